#pragma once

#include <cstdint>
#include <string>

#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

/// A listening TCP socket.
struct port_socket {
  unique_descriptor descriptor;
  std::uint16_t port = 0;
};

/// Errors: `system_error`.
[[nodiscard]] expected<port_socket> listen_on(const std::string& host,
                                              std::uint16_t port);

} // namespace troupe::gate
