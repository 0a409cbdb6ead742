#pragma once

#include <chrono>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

/// Connects, and says and hears what protocol.hpp asks for. The descriptor is ready for
/// CAF's protocol then. Errors: as `reach`; `timeout`; `invalid_argument` (the
/// password is empty or wrong, another user's socket, or what answers does not know the
/// password).
[[nodiscard]] expected<unique_descriptor>
enter(const console_address& where, std::chrono::milliseconds timeout);

} // namespace troupe::gate
