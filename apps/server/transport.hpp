#pragma once

// A connected socket that speaks plain TCP or TLS. The waiting is Asio's; the
// bytes are moved here, without a copy and, where it is plain, by the system
// call that they cost anyway.
//
//   plain   recv, send                                      on the socket
//   TLS     SSL_read, SSL_write ── recv, send ──            on the same socket
//
// TLS differs in two ways, which stay in here: to read it may have to wait until
// it can send (and the other way round), and it may hold bytes that the socket
// does not announce any more.

#include <cstddef>
#include <string_view>
#include <utility>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include "apps/server/tls_context.hpp"

namespace troupe::server {

/// How a read ended: there may be more, that was all for now, there was nothing,
/// or nothing will come.
enum class received { some, all, nothing, ended };

struct reading {
  std::size_t size = 0;
  received how = received::nothing;
};

/// How a step that sends ended: it went on, must wait, or never will go on.
enum class progress { made, blocked, broken };

struct writing {
  std::size_t size = 0;
  progress how = progress::blocked;
};

/// Lives on one thread. No operation blocks or throws; each wait takes a handler
/// `void(error_code)` and ends early with `cancel` and `close`.
class transport {
public:
  using executor = boost::asio::io_context::executor_type;
  using socket
    = boost::asio::basic_stream_socket<boost::asio::ip::tcp, executor>;
  using error_code = boost::system::error_code;

  /// Takes over a socket that does not block. With a session over it, the
  /// connection speaks TLS.
  explicit transport(socket peer, tls_session session = {}) noexcept
    : peer_(std::move(peer)), session_(std::move(session)) {
    // nop
  }

  [[nodiscard]] bool is_tls() const noexcept {
    return session_ != nullptr;
  }

  /// One step of the handshake, before anything is read or written.
  [[nodiscard]] progress shake_hands() noexcept;

  [[nodiscard]] reading read(char* to, std::size_t room) noexcept {
    return session_ == nullptr ? read_plain(to, room) : read_tls(to, room);
  }

  /// After `blocked`, the next call must go on with the same bytes; they may
  /// have moved.
  [[nodiscard]] writing write(std::string_view bytes) noexcept {
    return session_ == nullptr ? write_plain(bytes) : write_tls(bytes);
  }

  /// Waits until `read` or `shake_hands` may get further.
  template <class F>
  void await_input(F f) {
    if (holds_input_)
      return boost::asio::post(
        peer_.get_executor(),
        [f = std::move(f)]() mutable { f(error_code{}); });
    peer_.async_wait(input_sends_ ? socket::wait_write : socket::wait_read,
                     std::move(f));
  }

  /// Waits until `write` may get further.
  template <class F>
  void await_output(F f) {
    peer_.async_wait(output_receives_ ? socket::wait_read : socket::wait_write,
                     std::move(f));
  }

  /// Tells the peer that nothing more comes. False when nobody is there.
  [[nodiscard]] bool end_output() noexcept;

  /// The same, as far as that goes at once, and closes the socket.
  void close() noexcept;

  /// The socket, for its addresses, options and timers.
  [[nodiscard]] socket& tcp() noexcept {
    return peer_;
  }

private:
  reading read_plain(char* to, std::size_t room) noexcept;
  reading read_tls(char* to, std::size_t room) noexcept;
  writing write_plain(std::string_view bytes) noexcept;
  writing write_tls(std::string_view bytes) noexcept;
  void say_goodbye() noexcept;

  socket peer_;
  tls_session session_;
  bool usable_ = true;           // TLS: nothing has failed.
  bool greeted_ = false;         // TLS: the handshake is over.
  bool left_ = false;            // TLS: the peer was told that we go.
  bool unsent_ = false;          // TLS: a write waits to be repeated.
  bool holds_input_ = false;     // TLS: bytes that no wait will announce.
  bool input_sends_ = false;     // TLS: reading waits until it can send.
  bool output_receives_ = false; // TLS: writing waits until it can receive.
};

} // namespace troupe::server
