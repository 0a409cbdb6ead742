#pragma once

// The actor around the load coordinator (load_coordinator.hpp): answers questions about
// loads.
//
// Accepts: `load_coordinator_actor` (messages/interfaces.hpp).
// Sends: replies only.
// Supervision: a service, always restarted. A restart keeps the coordinator with all
//   loads; timeouts are noticed meanwhile.
// Threading: an ordinary actor of CAF's scheduler; the coordinator itself is
//   thread-safe.

#include <memory>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/services/service.hpp>

namespace troupe {

/// The coordinator as a service of a runtime.
[[nodiscard]] std::shared_ptr<service>
make_load_service(std::shared_ptr<load_coordinator> loads);

} // namespace troupe
