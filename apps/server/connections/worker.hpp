#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <troupe/backends/core/unique_descriptor.hpp>

#include "apps/net/byte_buffer.hpp"
#include "apps/server/executor.hpp"
#include "apps/resp/reply_buffer.hpp"
#include "apps/resp/parser.hpp"
#include "apps/server/server_state.hpp"
#include "apps/net/socket_watch.hpp"

namespace troupe::server {

class connection;

/// A socket on its way from the acceptor to a thread.
struct accepted_socket {
  unique_descriptor socket;
  bool is_tls = false; ///< It came to the port for TLS.
};

/// One thread's share of the server: an event loop, the connections it serves,
/// and the buffers they use in turn, so that an idle connection holds none.
///
/// `adopt`, `drain`, `abort`, `cut` and `load` are thread-safe; the rest
/// belongs to the thread that is in `run`.
class worker {
public:
  /// Both outlive the worker.
  worker(server_state& server, thread_counters& counters);

  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  ~worker();

  /// Serves until `drain` or `abort` has ended the last connection.
  void run();

  /// Serves this connection from now on.
  void adopt(accepted_socket socket);

  /// Lets every connection answer what it has received, then closes it.
  void drain();

  /// Closes every connection at once.
  void abort();

  /// Closes the connection with this number, if it is one of this thread's.
  void cut(std::uint64_t id);

  /// Connections adopted and not closed yet.
  [[nodiscard]] std::size_t load() const noexcept {
    return load_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] boost::asio::io_context& context() noexcept {
    return context_;
  }

  // -- for connections -----------------------------------------------------------

  /// Where they wait for their sockets.
  [[nodiscard]] socket_watch& watch() noexcept {
    return watch_;
  }

  [[nodiscard]] server_state& server() noexcept {
    return server_;
  }

  [[nodiscard]] thread_counters& counters() noexcept {
    return counters_;
  }

  [[nodiscard]] bool draining() const noexcept {
    return draining_;
  }

  /// Input that came in one read and of which nothing is kept.
  byte_buffer input;

  /// Replies of the connection whose turn it is.
  reply_buffer output;

  command_batch batch;

  executor commands;

  /// Lets `x` go on with its turn when those before it in the line have. One does in
  /// each round of the event loop, so that connections with much to do, however many,
  /// hold up the others for one turn and not for all of theirs. Throws std::bad_alloc.
  void go_on_later(std::shared_ptr<connection> x);

  /// Forgets a connection that has closed.
  void remove(connection& x) noexcept;

private:
  using work_guard
    = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

  void open(accepted_socket socket);
  void start_draining();
  void watch_idle();
  void close_idle();
  void end_when_empty() noexcept;
  void serve_line();

  server_state& server_;
  thread_counters& counters_;
  boost::asio::io_context context_{1};
  work_guard guard_;
  socket_watch watch_{context_};
  boost::asio::basic_waitable_timer<
    std::chrono::steady_clock,
    boost::asio::wait_traits<std::chrono::steady_clock>,
    boost::asio::io_context::executor_type>
    idle_timer_;
  std::vector<std::shared_ptr<connection>> connections_;
  std::deque<std::shared_ptr<connection>> line_; // Those with unfinished turns.
  bool line_posted_ = false; // `serve_line` is about to run.
  std::atomic<std::size_t> load_{0};
  bool draining_ = false;
};

} // namespace troupe::server
