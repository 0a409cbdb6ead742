#pragma once

// The console's side of a connection, before the first byte.

#include <chrono>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::gate {

/// Returns a connected, non-blocking socket. Errors: `system_error`, with the system's
/// reason; `timeout`; `invalid_argument` (another user listens on the Unix socket. For
/// root, that user may own the folder, unless others may write there).
[[nodiscard]] expected<unique_descriptor>
reach(const console_address& where,
      std::chrono::steady_clock::time_point deadline);

/// Like `reach`.
[[nodiscard]] expected<unique_descriptor>
connect_to(const console_address& where, std::chrono::milliseconds timeout);

/// Waits for an event of `poll`; false when the deadline passes first.
[[nodiscard]] bool await(int descriptor, short events,
                         std::chrono::steady_clock::time_point deadline);

/// The error of a wait whose deadline has passed: `timeout`.
[[nodiscard]] tl::unexpected<error> late();

} // namespace troupe::gate
