#include "apps/server/state/server_state.hpp"

#include <random>
#include <utility>

#include <troupe/actors/regions/region_declared.hpp>

#include "apps/server/leases/lease_desk.hpp"

namespace troupe::server {

expected<void> server_state::show_metrics() {
  auto counted = options.metrics.add(threads);
  if (!counted)
    return tl::unexpected{std::move(counted.error())};
  auto leased
    = options.metrics.add(lease_metrics, [this] { return leases->figures(); });
  if (!leased)
    return tl::unexpected{std::move(leased.error())};
  shown_ = std::move(*counted);
  shown_leases_ = std::move(*leased);
  return {};
}

void server_state::reset_counters() {
  info_.reset(options.metrics);
  std::lock_guard lock{reset_mutex_};
  spaces_at_reset_ = databases[0].namespaces();
}

std::vector<namespace_stats> server_state::namespaces() const {
  std::lock_guard lock{reset_mutex_};
  auto result = databases[0].namespaces();
  // None is added or removed while the server runs.
  for (std::size_t i = 0; i < spaces_at_reset_.size(); ++i) {
    result[i].evictions -= spaces_at_reset_[i].evictions;
    result[i].expirations -= spaces_at_reset_[i].expirations;
  }
  return result;
}

std::string server_state::random_id() {
  constexpr std::size_t size = 40;
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device source;
  std::string result;
  while (result.size() < size)
    result += digits[source() % digits.size()];
  return result;
}

std::shared_ptr<lease_desk> server_state::make_desk() {
  return std::make_shared<lease_desk>();
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
