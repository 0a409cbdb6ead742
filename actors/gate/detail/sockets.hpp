#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <sys/types.h>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

/// Bytes of a Unix socket's path. The system allows 107; the rest is for the name
/// that a socket has until it listens.
inline constexpr std::size_t longest_path = 96;

/// A Unix socket that listens, with mode 0600. Removed from its folder when this
/// ends, unless another has taken its place. Movable.
class socket_file {
public:
  /// A dead socket of the same name gives way; in a run-time folder, all dead ones of
  /// our programs do. Errors: `invalid_argument` (the path
  /// is empty or too long), `system_error` (another program listens there, something
  /// else has this name, the folder cannot be written, or another program of this user
  /// has had its lock for 2 s).
  [[nodiscard]] static expected<socket_file> listen(std::string path);

  socket_file(socket_file&&) noexcept;
  socket_file& operator=(socket_file&&) = delete;
  ~socket_file();

  [[nodiscard]] const std::string& path() const noexcept {
    return path_;
  }

  [[nodiscard]] unique_descriptor& descriptor() noexcept {
    return descriptor_;
  }

private:
  socket_file(std::string path, unique_descriptor descriptor);

  std::string path_;
  unique_descriptor descriptor_;
  dev_t device_ = 0;
  ino_t number_ = 0;
};

/// A TCP socket that listens.
struct port_socket {
  unique_descriptor descriptor;
  std::uint16_t port = 0;
};

/// Errors: `system_error`.
[[nodiscard]] expected<port_socket> listen_on(const std::string& host,
                                              std::uint16_t port);

/// A connected socket that does not block. Errors: `system_error`, with the system's
/// reason; `timeout`; `invalid_argument` (another user listens on the Unix socket. For
/// root, that user may own the folder, unless others may write there).
[[nodiscard]] expected<unique_descriptor>
connect_to(const console_address& where, std::chrono::milliseconds timeout);

/// Connects, and says and hears what protocol.hpp asks for. The descriptor is ready for
/// CAF's protocol then. Errors: as `connect_to`; `timeout`; `invalid_argument` (the
/// password is empty or wrong, another user's socket, or what answers does not know the
/// password).
[[nodiscard]] expected<unique_descriptor>
enter(const console_address& where, std::chrono::milliseconds timeout);

} // namespace troupe::gate
