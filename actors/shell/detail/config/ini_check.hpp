#pragma once

#include <string>

#include <caf/config_option_set.hpp>

#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

/// CAF skips unknown options and values of a wrong type in an ini file. This checks the
/// content again, after CAF has parsed it. `name` is the file's name in errors. Errors:
/// `invalid_argument`, with the line.
[[nodiscard]] expected<void> check_ini(const caf::config_option_set& known,
                                       const std::string& ini,
                                       const std::string& name);

} // namespace troupe::detail
