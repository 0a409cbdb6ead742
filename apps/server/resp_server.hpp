#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <troupe/messages/types/error.hpp>

#include "apps/net/listening.hpp"
#include "apps/server/connections/worker.hpp"
#include "apps/server/state/databases.hpp"
#include "apps/server/state/serve_options.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

class acceptor;

/// Serves regions to Redis clients over TCP, TLS and a Unix socket. Every connection
/// belongs to one of its threads, the one with the fewest at the time, and its commands
/// are executed there.
///
/// `start` and `stop` are called by one thread; the getters by any.
class resp_server {
public:
  /// `open` makes the databases. Clients publish and subscribe in `topics`.
  resp_server(databases::opener open, std::shared_ptr<topic_hub> topics,
              serve_options options);

  resp_server(const resp_server&) = delete;
  resp_server& operator=(const resp_server&) = delete;

  /// As `stop` without waiting.
  ~resp_server();

  /// Opens database 0, listens and accepts from now on. Errors: those of the
  /// opener and of `net::tls_context::load`, `invalid_argument` (the address is none,
  /// or not of this machine alone although nobody has to prove who he is),
  /// `system_error` (a port or a Unix socket is in use, threads or descriptors
  /// refused), with what to do about it, and those of `server_state::show_metrics`. The
  /// ports, and the addresses that there are, are then in the options of `state`.
  expected<void> start();

  /// Reads certificate and key anew, for the connections to come. Errors: those
  /// of `net::tls_context::load`; nothing has changed then. From any thread.
  expected<void> reload_certificates() {
    return state_.tls.reload();
  }

  /// Ends leases whose time is over. Gives the system back what clients have given back,
  /// every `defaults::trim_pause` at most. To be called now and then, every
  /// `defaults::lease_tick` while `has_leases()`, by one thread, which serves no clients:
  /// it takes some milliseconds for each hundred megabytes.
  void tidy() noexcept;

  /// Whether clients have leases of missing keys, or wait for such. A snapshot.
  [[nodiscard]] bool has_leases() const noexcept;

  [[nodiscard]] const server_state& state() const noexcept {
    return state_;
  }

  /// Accepts no more connections, answers what has been received, and closes
  /// the connections; at `deadline` cuts off those whose clients have not taken
  /// their replies, or wait for an answer, which `serve_options::report` names. Returns how
  /// many that were.
  std::size_t stop(std::chrono::milliseconds deadline);

private:
  void run(worker& which);
  expected<void> listen();
  expected<void> start_threads();
  void report_waiting() const;

  databases::opener open_;
  server_state state_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::unique_ptr<acceptor>> acceptors_; // One for each socket.
  std::optional<net::local_socket> local_;
  std::chrono::steady_clock::time_point next_trim_{};
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t running_ = 0; // Threads in worker::run; under the mutex.
};

} // namespace troupe::server
