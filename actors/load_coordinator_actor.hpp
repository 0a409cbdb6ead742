#pragma once

// The actor around the load coordinator (load_coordinator.hpp): answers those
// who watch, and is the clockwork of the runtime.
//
// Accepts: `load_coordinator_actor` (messages/interfaces.hpp).
// Sends: itself, a delayed tick every `defaults::tick`.
// Invariants
//   1. On every tick the coordinator looks for overdue loads, and the regions
//      sweep. A tick that comes late is not made up for.
// Supervision: child of the supervisor. A restart keeps the coordinator with
//   all loads; until then no timeout is noticed.
// Threading: an ordinary actor of CAF's scheduler; the coordinator itself is
//   thread-safe.

#include <functional>
#include <memory>
#include <string>

#include <caf/fwd.hpp>

#include <troupe/actors/actor_slot.hpp>
#include <troupe/actors/load_coordinator.hpp>
#include <troupe/actors/supervisor_actor.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

/// What the supervisor has to know. `where` holds the present actor, `sweep` is
/// called on every tick and must be brief.
[[nodiscard]] child_spec supervised_load_coordinator(
  caf::actor_system& system, std::string parent,
  std::shared_ptr<load_coordinator> loads, std::function<void()> sweep,
  std::shared_ptr<actor_slot<load_coordinator_actor>> where,
  watch_function watch);

} // namespace troupe
