#pragma once

#include <string>

#include <caf/config_option_set.hpp>
#include <caf/fwd.hpp>

#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

/// Explains an error of CAF's parser: the argument, or the place in the ini file `ini`,
/// that it refused. `known` are the options that it knows.
[[nodiscard]] error explain_failure(const caf::error& failure,
                                    const std::string& ini,
                                    const caf::config_option_set& known);

} // namespace troupe::detail
