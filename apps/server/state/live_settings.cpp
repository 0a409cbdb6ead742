#include "apps/server/state/live_settings.hpp"

#include <algorithm>
#include <cstdint>

#include "apps/server/state/defaults.hpp"

namespace troupe::server {

subscriber_limits subscriber_limits_of(const settings::output_limit& x,
                                       std::size_t messages) {
  constexpr auto most = static_cast<std::uint64_t>(defaults::most_client_bytes);
  const auto bytes = x.hard == 0 ? most : std::min(x.hard, most);
  return {bytes, messages, x.soft, std::chrono::seconds{x.soft_seconds}};
}

} // namespace troupe::server
