#pragma once

// Passes a connected descriptor to CAF's network protocol (BASP) without CAF's own
// listening: CAF listens on no port, so that Troupe's gate (actors/gate/) is the only
// way to it. Depends on the internals of CAF 0.17.6: the messages that its BASP broker
// takes from the middleman and from its own tests.
//
//   runtime   (publish_atom, scribe, port, actor, interface)   adds the scribe and
//             names the actor in its greeting
//   console   (connect_atom, scribe, port)   sends its greeting, returns the actor

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include <caf/actor.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>
#include <caf/node_id.hpp>

#include <troupe/backends/core/unique_descriptor.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::detail {

/// The actor that a peer names in its greeting.
struct shown_actor {
  caf::strong_actor_ptr who; ///< May be null: no actor.
  std::set<std::string> interface;
};

/// The greeting's data for a supervisor.
[[nodiscard]] shown_actor shown(caf::actor_system& system,
                                const supervisor_actor& whom);

/// The supervisor that a peer names. Errors: `system_error` (it names none).
[[nodiscard]] expected<supervisor_actor>
supervisor_of(caf::actor_system& system, const shown_actor& peer);

/// Thread-safe.
class basp_door {
public:
  /// Whether a system can have a door: it needs a middleman with CAF's own event loop.
  /// Errors: `invalid_argument`.
  [[nodiscard]] static expected<void> check(caf::actor_system& system);

  /// Must not run concurrently with other uses of `middleman::named_broker`.
  /// Precondition: `check`.
  explicit basp_door(caf::actor_system& system);

  /// Lets a peer in and names the actor to it. `from` replaces the peer's address when
  /// it has none; `stay` is kept as long as the connection.
  void admit(unique_descriptor descriptor, std::string from,
             std::shared_ptr<void> stay, shown_actor shown);

  /// Releases an actor that was named to peers.
  void forget(const caf::strong_actor_ptr& whom);

  /// Sends a greeting to the peer, which has let this process in. Errors: `timeout`,
  /// `system_error`.
  [[nodiscard]] expected<shown_actor> greet(unique_descriptor descriptor,
                                            std::chrono::milliseconds timeout);

private:
  caf::actor_system& system_;
  caf::actor broker_;
};

} // namespace troupe::detail
