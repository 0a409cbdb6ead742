#pragma once

// The addresses of Unix sockets, for both sides of a connection.

#include <cstddef>
#include <string>

#include <sys/un.h>

#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

/// Most bytes of a Unix socket's path. The system allows 107; the rest is for the
/// socket's name before it listens.
inline constexpr std::size_t longest_path = 96;

/// Errors: `invalid_argument` (the path is empty or too long).
[[nodiscard]] expected<void> check_path(const std::string& path);

/// Precondition: the path has at most 107 bytes.
[[nodiscard]] sockaddr_un address_of(const std::string& path) noexcept;

/// Like the system's `connect`: 0, or -1 and errno.
[[nodiscard]] int connect(int descriptor, const sockaddr_un& to) noexcept;

} // namespace troupe::gate
