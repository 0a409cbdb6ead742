#pragma once

#include <string>
#include <system_error>

namespace troupe::gate {

/// The system's text for a value of errno.
[[nodiscard]] inline std::string reason(int code) {
  return std::generic_category().message(code);
}

} // namespace troupe::gate
