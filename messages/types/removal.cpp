#include <troupe/messages/types/removal.hpp>

namespace troupe {

std::string_view to_string(removal_cause x) noexcept {
  switch (x) {
    case removal_cause::size:
      return "size";
    case removal_cause::expired:
      return "expired";
    case removal_cause::erased:
      return "erased";
    case removal_cause::replaced:
      return "replaced";
    case removal_cause::tag:
      return "tag";
    case removal_cause::cleared:
      return "cleared";
  }
  return "unknown";
}

} // namespace troupe
