#pragma once

// Sockets that listen, on addresses and in the file system.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

#include "apps/net/bind_addresses.hpp"

namespace troupe::net {

/// Listens on all of these addresses at one port, which becomes a free one if it is
/// 0. None of the sockets blocks. `option` is what chooses another port. Addresses
/// that are optional and that this machine does not have are left out; `where` loses
/// them. Errors: `system_error`, and what to do about it.
[[nodiscard]] expected<std::vector<unique_descriptor>>
listen_tcp(std::vector<bind_address>& where, std::uint16_t& port,
           const std::string& option);

/// Why nobody can listen on this port, in words for its user, whom `option` lets choose
/// another. Nothing when it is free, and for what is no address.
[[nodiscard]] std::optional<error> listen_problem(const std::string& address,
                                                  std::uint16_t port,
                                                  const std::string& option);

/// A Unix socket in the file system, which goes with it.
class local_socket {
public:
  /// Listens at `path`. `mode` are the permissions of the file; 0: set by the umask.
  /// Takes the place of a socket that refuses connections, as a crash leaves it; of two
  /// servers that start at once, one gets it. Errors: `system_error` (the path is
  /// another file, is in use, is not known to be unused, cannot be made),
  /// `invalid_argument` (the path is too long), with what to do about it. Waits up to 5 s
  /// for a server that makes a socket in the same folder.
  [[nodiscard]] static expected<local_socket> listen(const std::string& path,
                                                     mode_t mode);

  local_socket(local_socket&& other) noexcept;
  local_socket& operator=(local_socket&&) = delete;

  /// As `remove`.
  ~local_socket();

  /// The socket, which does not block; once.
  [[nodiscard]] unique_descriptor take() noexcept {
    return std::move(socket_);
  }

  /// Removes the file, if it still is the one that was made.
  void remove() noexcept;

private:
  local_socket(std::string path, unique_descriptor socket) noexcept
    : path_(std::move(path)), socket_(std::move(socket)) {
    // nop
  }

  std::string path_; ///< Empty: there is no file of ours.
  unique_descriptor socket_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

} // namespace troupe::net
