#pragma once

#include <chrono>

/// Every default and limit of the network room: name, unit, reason.
namespace troupe::net::defaults {

/// How long a client may take for the handshake of TLS; it holds a place among
/// the connections meanwhile.
inline constexpr std::chrono::seconds handshake_timeout{10};

} // namespace troupe::net::defaults
