#pragma once

// A connected socket that speaks plain TCP or TLS. The waiting is the thread's
// (socket_watch.hpp); the bytes are moved here, without a copy and, where it is
// plain, by the system call that they cost anyway.
//
//   plain   recv, send                                      on the socket
//   TLS     SSL_read, SSL_write ── recv, send ──            on the same socket
//
// TLS differs in two ways, which stay in here: to read it may have to wait until
// it can send (and the other way round), and it may hold bytes that the socket
// does not announce any more.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <troupe/backends/core/unique_descriptor.hpp>

#include "apps/net/socket_watch.hpp"
#include "apps/net/tls_context.hpp"

namespace troupe::net {

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

/// Lives on one thread. No operation blocks.
class transport {
public:
  /// Takes over a socket that does not block. With a session over it, the
  /// connection speaks TLS.
  explicit transport(unique_descriptor socket,
                     tls_session session = {}) noexcept;

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

  /// Whether `read` gets further without a wait, which would not end.
  [[nodiscard]] bool holds_input() const noexcept {
    return holds_input_;
  }

  /// What `read` and `shake_hands` have to wait for.
  [[nodiscard]] readiness needed_to_read() const noexcept {
    return input_sends_ ? readiness::output : readiness::input;
  }

  /// What `write` has to wait for.
  [[nodiscard]] readiness needed_to_write() const noexcept {
    return output_receives_ ? readiness::input : readiness::output;
  }

  /// Whether bytes have come that nobody has read.
  [[nodiscard]] bool has_unread() const noexcept;

  /// Whether the peer sends nothing more, or the connection has failed. What came
  /// before that may be unread.
  [[nodiscard]] bool hung_up() const noexcept;

  /// Tells the peer that nothing more comes. False when nobody is there.
  [[nodiscard]] bool end_output() noexcept;

  /// The same, as far as that goes at once, and closes the socket.
  void close() noexcept;

  /// The socket; negative when it was closed.
  [[nodiscard]] int descriptor() const noexcept {
    return socket_.get();
  }

  /// Whether it is a Unix socket.
  [[nodiscard]] bool is_local() const noexcept;

  /// As `127.0.0.1:6380`, `[::1]:6380`, or of a Unix socket, at both ends,
  /// `/run/troupe.sock:0`; `?` when there is none any more.
  [[nodiscard]] std::string peer_address() const;
  [[nodiscard]] std::string local_address() const;

private:
  reading read_plain(char* to, std::size_t room) noexcept;
  reading read_tls(char* to, std::size_t room) noexcept;
  writing write_plain(std::string_view bytes) noexcept;
  writing write_tls(std::string_view bytes) noexcept;
  void say_goodbye() noexcept;

  unique_descriptor socket_;
  tls_session session_;
  bool usable_ = true;           // TLS: nothing has failed.
  bool greeted_ = false;         // TLS: the handshake is over.
  bool left_ = false;            // TLS: the peer was told that we go.
  bool unsent_ = false;          // TLS: a write waits to be repeated.
  bool holds_input_ = false;     // TLS: bytes that no wait will announce.
  bool input_sends_ = false;     // TLS: reading waits until it can send.
  bool output_receives_ = false; // TLS: writing waits until it can receive.
};

} // namespace troupe::net
