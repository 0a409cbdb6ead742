#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <troupe/backends/core/unique_descriptor.hpp>

#include "apps/server/connections/worker.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

/// Takes the connections of one socket and hands each to the worker with the
/// fewest. Lives on the thread of the first worker once `start` was called.
class acceptor {
public:
  /// What its clients speak.
  enum class kind { plain, tls };

  /// `workers` and `server` outlive the acceptor; there is at least one worker.
  /// `socket` listens and does not block.
  acceptor(std::vector<std::unique_ptr<worker>>& workers, server_state& server,
           kind what, unique_descriptor socket);

  void start();

  /// Takes no more; from any thread.
  void stop();

private:
  using executor = boost::asio::io_context::executor_type;
  using error_code = boost::system::error_code;

  void wait();
  void accept_all();
  void pause();
  void take(accepted_socket socket);
  void refuse(accepted_socket socket);

  std::vector<std::unique_ptr<worker>>& workers_;
  server_state& server_;
  kind kind_;
  boost::asio::io_context& context_;
  boost::asio::posix::basic_stream_descriptor<executor> socket_;
  boost::asio::basic_waitable_timer<
    std::chrono::steady_clock,
    boost::asio::wait_traits<std::chrono::steady_clock>, executor>
    pause_timer_;
};

} // namespace troupe::server
