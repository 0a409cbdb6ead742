#include "apps/server/state/live_settings.hpp"

#include <algorithm>
#include <cstdint>

namespace troupe::server {

namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 40;

} // namespace

subscriber_limits subscriber_limits_of(const settings::output_limit& x,
                                       std::size_t messages) {
  const auto bytes = x.hard == 0 ? most_bytes : std::min(x.hard, most_bytes);
  return {bytes, messages, x.soft, std::chrono::seconds{x.soft_seconds}};
}

} // namespace troupe::server
