#include <troupe/backends/provider_part.hpp>

namespace troupe {

std::string_view to_string(part_state x) noexcept {
  switch (x) {
    case part_state::restarting:
      return "restarting";
    case part_state::running:
      return "running";
    case part_state::failed:
      return "failed";
    case part_state::stopped:
      return "stopped";
  }
  return "unknown";
}

} // namespace troupe
