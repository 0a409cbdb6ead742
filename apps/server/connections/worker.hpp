#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <troupe/backends/core/unique_descriptor.hpp>

#include "apps/server/connections/workplace.hpp"
#include "apps/server/state/counters.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

class connection;

/// A socket on its way from the acceptor to a thread.
struct accepted_socket {
  unique_descriptor socket;
  bool is_tls = false; ///< It came to the port for TLS.
};

/// One thread's share of the server: its workplace, and the connections it serves
/// there.
///
/// `adopt`, `drain`, `abort`, `cut` and `load` are thread-safe; the rest
/// belongs to the thread that is in `run`.
class worker final : public workplace {
public:
  /// Both outlive the worker.
  worker(server_state& server, thread_counters& counters);

  ~worker();

  /// Serves until `drain` or `abort` has ended the last connection.
  void run();

  /// Serves this connection from now on.
  void adopt(accepted_socket socket);

  /// Lets every connection answer what it has received, then closes it.
  void drain();

  /// Closes every connection at once.
  void abort();

  void cut(std::uint64_t id) override;

  /// Connections adopted and not closed yet.
  [[nodiscard]] std::size_t load() const noexcept {
    return load_.load(std::memory_order_relaxed);
  }

  void go_on_later(std::shared_ptr<connection> x) override;
  void remove(connection& x) noexcept override;

private:
  using work_guard
    = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

  void open(accepted_socket socket);
  void start_draining();
  void watch_idle();
  void close_idle();
  void end_when_empty() noexcept;
  void serve_line();

  work_guard guard_;
  boost::asio::basic_waitable_timer<
    std::chrono::steady_clock,
    boost::asio::wait_traits<std::chrono::steady_clock>,
    boost::asio::io_context::executor_type>
    idle_timer_;
  std::vector<std::shared_ptr<connection>> connections_;
  std::deque<std::shared_ptr<connection>> line_; // Those with unfinished turns.
  bool line_posted_ = false; // `serve_line` is about to run.
  std::atomic<std::size_t> load_{0};
};

} // namespace troupe::server
