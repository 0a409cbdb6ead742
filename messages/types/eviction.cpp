#include <troupe/messages/types/eviction.hpp>

namespace troupe {

std::string_view to_string(eviction_policy x) noexcept {
  switch (x) {
    case eviction_policy::s3_fifo:
      return "s3fifo";
    case eviction_policy::clock:
      return "clock";
    case eviction_policy::none:
      return "none";
  }
  return "unknown";
}

std::optional<eviction_policy>
eviction_policy_from(std::string_view name) noexcept {
  for (auto x : {eviction_policy::s3_fifo, eviction_policy::clock,
                 eviction_policy::none})
    if (to_string(x) == name)
      return x;
  return std::nullopt;
}

} // namespace troupe
