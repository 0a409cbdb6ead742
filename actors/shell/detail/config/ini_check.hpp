#pragma once

#include <string>

#include <caf/config_option_set.hpp>

#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

/// CAF skips what it does not know in an ini file, and values of a wrong type. Looks at
/// the bare content once more, which it has parsed before. `name` is what the file is
/// called. Errors: `invalid_argument`, with the line.
[[nodiscard]] expected<void> check_ini(const caf::config_option_set& known,
                                       const std::string& ini,
                                       const std::string& name);

} // namespace troupe::detail
