#pragma once

#include <chrono>

#include <caf/fwd.hpp>

#include <troupe/actors/gate/console_address.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Returns the supervisor of a runtime in another process, which has called
/// `runtime::publish`. The actor system needs Troupe's message types and a middleman
/// (`config::enable_remote`). Blocks for up to `timeout`, and for the look-up of a
/// host's name. Thread-safe. Errors: `invalid_argument` (no middleman; the password is
/// empty or wrong; another user's socket), `timeout`, `system_error` (no process
/// listens there, or it is not a runtime of this version).
[[nodiscard]] expected<supervisor_actor>
connect(caf::actor_system& system, const console_address& where,
        std::chrono::milliseconds timeout = std::chrono::seconds{2});

} // namespace troupe
