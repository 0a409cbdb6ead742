#pragma once

// The addresses of TCP sockets, for both sides of a connection.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <netdb.h>

#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

using addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

/// The addresses of a host, at least one. `flags` are those of `getaddrinfo`. Errors:
/// `system_error`.
[[nodiscard]] expected<addresses> look_up(const std::string& host,
                                          std::uint16_t port, int flags);

/// In the order in which they are tried. 127.0.0.1 comes before ::1: a runtime that was
/// given "localhost" listens on the former, and any user may take the port of the
/// latter.
[[nodiscard]] std::vector<const addrinfo*> in_order(const addresses& found);

/// A socket that does not block; none, and errno, when there is none.
[[nodiscard]] unique_descriptor socket_for(const addrinfo& x) noexcept;

} // namespace troupe::gate
