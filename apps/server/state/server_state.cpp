#include "apps/server/state/server_state.hpp"

#include <random>

namespace troupe::server {

std::string server_state::random_id() {
  constexpr std::size_t size = 40;
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device source;
  std::string result;
  while (result.size() < size)
    result += digits[source() % digits.size()];
  return result;
}

void server_state::report_http(std::string_view client) {
  using std::chrono::steady_clock;
  if (!options.report)
    return;
  const auto now = steady_clock::now().time_since_epoch();
  auto last = http_reported_.load(std::memory_order_relaxed);
  if (last != 0 && now - steady_clock::duration{last} < std::chrono::minutes{1})
    return;
  if (!http_reported_.compare_exchange_strong(last, now.count(),
                                              std::memory_order_relaxed))
    return;
  options.report(
    "closed the connection of " + std::string{client}
    + ", which sent a request of HTTP: perhaps a web page tries to "
      "write into this cache (told once a minute)");
}

} // namespace troupe::server
