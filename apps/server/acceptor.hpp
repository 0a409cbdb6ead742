#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <troupe/messages/types/error.hpp>

#include "apps/server/worker.hpp"

namespace troupe::server {

/// Whether only this machine can reach the address; false for what is none.
[[nodiscard]] bool is_loopback(const std::string& bind);

/// Whether `bind` may be listened on: unless every client has to give a password
/// or show a certificate (`guarded`), only what is of this machine alone.
/// Errors: `invalid_argument`.
expected<void> check_bind(const std::string& bind, bool guarded);

/// Why nobody can listen on this port, in words for its user, whom `option` lets choose
/// another. Nothing when it is free, and for what is no address.
[[nodiscard]] std::optional<error> listen_problem(const std::string& address,
                                                  std::uint16_t port,
                                                  const std::string& option);

/// Takes the connections of one port and hands each to the worker with the
/// fewest. Lives on the thread of the first worker once `start` was called.
class acceptor {
public:
  /// What its clients speak.
  enum class kind { plain, tls };

  /// `workers` and `server` outlive the acceptor; there is at least one worker.
  acceptor(std::vector<std::unique_ptr<worker>>& workers, server_state& server,
           kind what);

  /// Binds and listens. Errors: `invalid_argument`, `system_error`.
  expected<void> listen();

  /// The port it listens on.
  [[nodiscard]] std::uint16_t port() const;

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
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, executor> socket_;
  boost::asio::basic_waitable_timer<
    std::chrono::steady_clock,
    boost::asio::wait_traits<std::chrono::steady_clock>, executor>
    pause_timer_;
};

} // namespace troupe::server
