#include "apps/server/state/server_state.hpp"

#include <random>

#include <troupe/actors/regions/region_declared.hpp>

namespace troupe::server {

server_counters server_state::counters() const {
  std::lock_guard lock{reset_mutex_};
  return totals().since(at_reset_);
}

void server_state::reset_counters() {
  std::lock_guard lock{reset_mutex_};
  at_reset_ = totals();
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

server_counters server_state::totals() const {
  server_counters sum;
  for (const auto& x : threads) {
    sum.connections_opened += x.connections_opened.value();
    sum.connections_closed += x.connections_closed.value();
    sum.connections_rejected += x.connections_rejected.value();
    sum.commands += x.commands.value();
    sum.errors += x.errors.value();
    sum.http_requests += x.http_requests.value();
    sum.hits += x.hits.value();
    sum.misses += x.misses.value();
    sum.bytes_read += x.bytes_read.value();
    sum.bytes_written += x.bytes_written.value();
    sum.subscribers_cut_hard += x.subscribers_cut_hard.value();
    sum.subscribers_cut_soft += x.subscribers_cut_soft.value();
    sum.handshakes_failed += x.handshakes_failed.value();
    sum.query_buffer_exceeded += x.query_buffer_exceeded.value();
    sum.clients_evicted += x.clients_evicted.value();
  }
  sum.connected = sum.connections_opened - sum.connections_closed;
  databases.for_each([&sum](std::size_t, const region& db) {
    const auto x = db.stats();
    sum.evictions += x.evictions;
    sum.expirations += x.expirations;
    sum.relocations += x.relocations;
  });
  return sum;
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
