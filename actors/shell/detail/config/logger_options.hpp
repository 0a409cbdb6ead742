#pragma once

#include <caf/config.hpp>

namespace troupe::detail {

/// Whether CAF was built with its logger; Debian's was not.
inline constexpr bool has_logger = CAF_LOG_LEVEL != CAF_LOG_LEVEL_QUIET;

/// The group of the logger's options.
inline constexpr char logger_group[] = "logger";

/// The error for an option of the logger when CAF has none.
inline constexpr char no_logger[]
  = " does nothing, as this CAF is built without its logger; leave it out";

} // namespace troupe::detail
