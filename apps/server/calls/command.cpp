#include "apps/server/calls/command.hpp"

#include <algorithm>

namespace troupe::server {

std::size_t command::key_count(std::size_t words) const noexcept {
  if (keys.first == 0)
    return 0;
  const auto size = static_cast<int>(words);
  const auto last
    = std::min(keys.last < 0 ? size + keys.last : keys.last, size - 1);
  return last < keys.first
           ? 0
           : static_cast<std::size_t>((last - keys.first) / keys.step + 1);
}

} // namespace troupe::server
