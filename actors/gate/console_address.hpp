#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include <troupe/messages/types/error.hpp>

namespace troupe {

/// A Unix socket on which a runtime listens for consoles. It lets in processes of the
/// runtime's own user and of root, and asks for no password.
struct console_socket {
  /// At most 96 bytes, in an existing directory. Empty: `pid-<number>.sock` in the
  /// run-time folder.
  std::string path = {};
};

/// A TCP port on which a runtime listens for consoles that know the password. The
/// password is not sent; the data after the handshake is not encrypted.
struct console_port {
  std::uint16_t port = 0; ///< 0, when publishing: any free port.
  std::string host = "127.0.0.1";
  std::string password = {}; ///< Must not be empty.
};

/// The address at which a console reaches a runtime.
using console_address = std::variant<console_socket, console_port>;

/// "/run/user/1000/troupe/6380.sock", "127.0.0.1:6381", "[::1]:6381".
[[nodiscard]] std::string to_string(const console_address& x);

/// `name`.sock in the run-time folder of this process's user: `troupe` in
/// $XDG_RUNTIME_DIR, or /tmp/troupe-<user id> when the user has no such directory.
/// Makes the folder when it does not exist. Errors: `system_error` (it cannot be made;
/// another user owns it, or others may enter it).
[[nodiscard]] expected<console_socket>
default_console_socket(const std::string& name);

} // namespace troupe
