#pragma once

// The actor around the supervisor (supervisor.hpp), at the root of the tree: it
// monitors every actor of the runtime and answers the console.
//
// Accepts: `supervisor_actor` (messages/interfaces.hpp).
// Sends: `list_loads_request`, `list_breakers_request` and `cancel_load_request`, which it passes on to the load
//   coordinator; exit messages to actors that are to end; to the middleman, requests
//   for a node's address.
// Invariants
//   1. Each actor's death is reported at least once: a new supervisor actor monitors
//      all actors again, dead ones included.
//   2. The actor stays responsive during a drain; it answers the request when the drain
//      is over.
//   3. Every actor of another node that sends a request is monitored once, and its node
//      is listed as long as such an actor lives. A new supervisor actor begins with an
//      empty list.
//   4. No message of a peer counts as an event of this process: the death of an actor
//      counts only when that actor has ended, and other events are sent in types that
//      no peer can make.
// Supervision: it has no parent. Killing it by message is refused. When it dies
//   nevertheless, the runtime starts the next one, which the gate shows from then on.
// Threading: an ordinary actor of CAF's scheduler.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <troupe/actors/shell/actor_life.hpp>
#include <troupe/actors/supervision/supervisor.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

/// An actor that was found by its name.
struct found_actor {
  std::string kind; ///< See `actor_info::kind`.
  caf::strong_actor_ptr who;
};

class metric_registry;

/// The runtime, as the supervisor actor needs it. Thread-safe.
class supervised {
public:
  virtual ~supervised() = default;

  [[nodiscard]] virtual supervisor& tree() noexcept = 0;

  /// The row of the supervisor actor itself, for the list.
  [[nodiscard]] virtual child_view root() const = 0;

  [[nodiscard]] virtual runtime_stat stat(bool with_regions) const = 0;

  [[nodiscard]] virtual metric_registry& metrics() noexcept = 0;

  /// The reply to `region_info_request`. Errors: `unknown_region`.
  [[nodiscard]] virtual expected<region_info>
  info(const std::string& name) const = 0;

  [[nodiscard]] virtual expected<region_actor>
  front(const std::string& name) const = 0;

  /// Finds one of the listed actors. Errors: `unknown_actor`, `shutting_down`.
  [[nodiscard]] virtual expected<found_actor>
  find_actor(const std::string& name) const = 0;

  /// Adds the rows that services show below those of their actors.
  virtual void add_rows(const std::string& prefix, actor_list& to) const = 0;

  /// Drains on a separate thread and calls `done` there.
  virtual void drain_then(std::chrono::milliseconds deadline,
                          std::function<void(drain_report)> done)
    = 0;
};

/// Starts the actor. It does not keep the runtime alive.
[[nodiscard]] supervisor_actor
spawn_supervisor(caf::actor_system& system, std::weak_ptr<supervised> runtime);

} // namespace troupe
