#pragma once

// The actor around the supervisor (supervisor.hpp), at the root of the tree: it
// monitors every actor of the runtime and answers the console.
//
// Accepts: `supervisor_actor` (messages/interfaces.hpp).
// Sends: `list_loads_request` and `cancel_load_request` on to the load
//   coordinator; exit messages to actors that are to end; to the middleman, asks
//   where a node is.
// Invariants
//   1. Each actor's death is reported at least once: a new supervisor actor monitors
//      all actors again, the dead included.
//   2. A drain does not hold up the actor; it answers when the drain is over.
//   3. Every actor of another node that asks is monitored once, and its node
//      listed for as long as such an actor lives. A new supervisor actor begins
//      with an empty list.
//   4. Nothing that a peer sends stands for an event of our own: the death of an
//      actor counts only when that actor has ended, and other events travel in types
//      that no peer can make.
// Supervision: it has no parent. Killing it by message is refused; when it dies
//   all the same, the runtime starts the next one, which the gate shows from then on.
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

/// An actor that was asked for by its name.
struct found_actor {
  std::string kind; ///< See `actor_info::kind`.
  caf::strong_actor_ptr who;
};

class metric_registry;

/// What the supervisor actor needs of the runtime. Thread-safe.
class supervised {
public:
  virtual ~supervised() = default;

  [[nodiscard]] virtual supervisor& tree() noexcept = 0;

  /// The name of the supervisor actor itself, for the list.
  [[nodiscard]] virtual child_view root() const = 0;

  [[nodiscard]] virtual runtime_stat stat(bool with_regions) const = 0;

  [[nodiscard]] virtual metric_registry& metrics() noexcept = 0;

  /// As `region_info_request` asks. Errors: `unknown_region`.
  [[nodiscard]] virtual expected<region_info>
  info(const std::string& name) const = 0;

  [[nodiscard]] virtual expected<region_actor>
  front(const std::string& name) const = 0;

  /// One of the listed actors. Errors: `unknown_actor`, `shutting_down`.
  [[nodiscard]] virtual expected<found_actor>
  find_actor(const std::string& name) const = 0;

  /// Adds what the application shows of its own.
  virtual void add_shown(const std::string& prefix, actor_list& to) const = 0;

  /// Empty after a drain.
  [[nodiscard]] virtual load_coordinator_actor coordinator() const = 0;

  /// Drains on a thread of its own and calls `done` there.
  virtual void drain_then(std::chrono::milliseconds deadline,
                          std::function<void(drain_report)> done)
    = 0;
};

/// Starts the actor. It does not keep the runtime alive.
[[nodiscard]] supervisor_actor
spawn_supervisor(caf::actor_system& system, std::weak_ptr<supervised> runtime);

} // namespace troupe
