#pragma once

#include <caf/config.hpp>

namespace troupe::detail {

/// Whether CAF has been built with its logger; Debian's has not.
inline constexpr bool has_logger = CAF_LOG_LEVEL != CAF_LOG_LEVEL_QUIET;

/// The group of its options.
inline constexpr char logger_group[] = "logger";

/// What is said of an option of it where there is none.
inline constexpr char no_logger[]
  = " does nothing, as this CAF is built without its logger; leave it out";

} // namespace troupe::detail
