#pragma once

// The actor around the load coordinator (load_coordinator.hpp): answers questions about
// loads.
//
// Accepts: `load_coordinator_actor` (messages/interfaces.hpp).
// Sends: replies only.
// Supervision: child of the supervisor. A restart keeps the coordinator with all
//   loads; timeouts are noticed meanwhile.
// Threading: an ordinary actor of CAF's scheduler; the coordinator itself is
//   thread-safe.

#include <memory>
#include <string>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/shell/actor_slot.hpp>
#include <troupe/actors/supervision/supervisor_actor.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

/// How the supervisor starts and restarts the actor. `where` holds the present actor.
[[nodiscard]] child_spec supervised_load_coordinator(
  caf::actor_system& system, std::string parent,
  std::shared_ptr<load_coordinator> loads,
  std::shared_ptr<actor_slot<load_coordinator_actor>> where,
  watch_function watch);

} // namespace troupe
