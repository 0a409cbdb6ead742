#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <troupe/messages/types/error.hpp>

#include "apps/server/server_state.hpp"
#include "apps/server/worker.hpp"

namespace troupe::server {

class acceptor;

/// Serves regions to Redis clients over TCP. Every connection belongs to one
/// of its threads, the one with the fewest at the time, and its commands are
/// executed there.
///
/// `start` and `stop` are called by one thread; the getters by any.
class resp_server {
public:
  /// `open` makes the databases.
  resp_server(databases::opener open, serve_options options);

  resp_server(const resp_server&) = delete;
  resp_server& operator=(const resp_server&) = delete;

  /// As `stop` without waiting.
  ~resp_server();

  /// Opens database 0, listens and accepts from now on. Errors: those of the
  /// opener, `invalid_argument` (the address is none, or not of this machine
  /// alone although there is no password), `system_error` (the port is in
  /// use, threads or descriptors refused), with what to do about it.
  expected<void> start();

  /// The port it listens on.
  [[nodiscard]] std::uint16_t port() const noexcept {
    return state_.options.port;
  }

  [[nodiscard]] const server_state& state() const noexcept {
    return state_;
  }

  /// Accepts no more connections, answers what has been received, and closes
  /// the connections; at `deadline` cuts off those whose clients have not taken
  /// their replies. Returns how many that were.
  std::size_t stop(std::chrono::milliseconds deadline);

private:
  void run(worker& which);
  expected<void> start_threads();

  databases::opener open_;
  server_state state_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::unique_ptr<acceptor> acceptor_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t running_ = 0; // Threads in worker::run; under the mutex.
};

} // namespace troupe::server
