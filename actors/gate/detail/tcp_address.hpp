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

/// Returns the addresses of a host, at least one. `flags` are those of `getaddrinfo`.
/// Errors: `system_error`.
[[nodiscard]] expected<addresses> look_up(const std::string& host,
                                          std::uint16_t port, int flags);

/// The order in which they are tried. 127.0.0.1 comes before ::1: a runtime that was
/// given "localhost" listens on 127.0.0.1, and any user may take the port on ::1.
[[nodiscard]] std::vector<const addrinfo*> in_order(const addresses& found);

/// Returns a non-blocking socket; an invalid one, with errno set, after an error.
[[nodiscard]] unique_descriptor socket_for(const addrinfo& x) noexcept;

} // namespace troupe::gate
