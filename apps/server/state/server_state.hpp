#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/actors/topics/topic_hub.hpp>
#include <troupe/backends/core/wall_clock.hpp>
#include <troupe/backends/figures.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

#include "apps/net/tls_context.hpp"
#include "apps/server/state/client_registry.hpp"
#include "apps/server/state/counters.hpp"
#include "apps/server/state/credentials.hpp"
#include "apps/server/state/databases.hpp"
#include "apps/server/state/info_metrics.hpp"
#include "apps/server/state/live_settings.hpp"
#include "apps/server/state/serve_options.hpp"
#include "apps/settings/ini_file.hpp"

namespace troupe::server {

class lease_desk;

/// What the commands of all connections share and INFO shows.
struct server_state {
  serve_options options;
  std::chrono::steady_clock::time_point started
    = std::chrono::steady_clock::now();
  /// One for each thread; in place before the first connection.
  cell_group<thread_counters> threads;
  std::atomic<std::uint64_t> next_client{1};
  /// Names this run of the server: 40 hexadecimal digits.
  const std::string run_id = random_id();
  server::databases databases;
  credentials access;
  net::live_tls tls;
  live_settings live;
  settings::ini_values at_start; ///< What `settings_of` said then.
  client_registry clients;
  wall_clock wall;
  /// Leases of missing keys, of all databases; not null.
  std::shared_ptr<lease_desk> leases = make_desk();

  /// What clients publish and subscribe: the runtime's. In place before the first
  /// command.
  std::shared_ptr<topic_hub> topics;

  /// What all clients keep beyond the commands that run (`client::held_bytes`).
  std::atomic<std::size_t> client_memory{0};

  /// The buffers of those who have not given the password, in bytes.
  std::atomic<std::size_t> stranger_memory{0};

  /// Clients with a command that waits for its answer.
  std::atomic<std::size_t> waiting_clients{0};

  /// Clients have given back so much that the system should get it.
  std::atomic<bool> trim_wanted{false};

  /// A client has asked for the end; the program looks.
  std::atomic<bool> shutdown_asked{false};

  /// Says that a request of HTTP came from `client`; once a minute at most.
  void report_http(std::string_view client);

  /// Shows what is counted here in `options.metrics`, from now on. Errors: those of
  /// `metric_registry::add`, as when another server shows its metrics there.
  expected<void> show_metrics();

  /// The metrics that INFO shows, counted since the start or the last `reset_counters`.
  [[nodiscard]] std::vector<shown_metric> shown_metrics(
    const std::function<bool(std::string_view section)>& wanted) const {
    return info_.read(options.metrics, wanted);
  }

  /// CONFIG RESETSTAT: counts from here on.
  void reset_counters();

  /// The namespaces of database 0; what they evicted and what expired counts as above.
  [[nodiscard]] std::vector<namespace_stats> namespaces() const;

  /// Redis's 40 hexadecimal digits, by chance.
  [[nodiscard]] static std::string random_id();

  [[nodiscard]] static std::shared_ptr<lease_desk> make_desk();

private:
  info_metrics info_;
  mutable std::mutex reset_mutex_;
  std::vector<namespace_stats> spaces_at_reset_;
  std::atomic<std::chrono::steady_clock::rep> http_reported_{0}; ///< When last.
  metric_registration shown_; // Last: they read the members above.
  metric_registration shown_leases_;
};

/// The version of Redis whose commands and texts this server follows.
inline constexpr std::string_view redis_version = "7.0.0";

} // namespace troupe::server
