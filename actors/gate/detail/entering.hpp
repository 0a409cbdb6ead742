#pragma once

#include <chrono>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

/// Connects and runs the console's side of protocol.hpp. The descriptor is then ready
/// for CAF's protocol. Errors: those of `reach`; `timeout`; `invalid_argument` (the
/// password is empty or wrong, another user's socket, or the other side does not know
/// the password).
[[nodiscard]] expected<unique_descriptor>
enter(const console_address& where, std::chrono::milliseconds timeout);

} // namespace troupe::gate
