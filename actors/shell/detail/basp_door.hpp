#pragma once

// The way from a connected descriptor to CAF's network protocol (BASP), past its own
// doors: it offers none to the outside, so that our gate (actors/gate/) is the only
// way to it. Knows the inside of CAF 0.17.6: the messages that its BASP broker takes
// from the middleman and from its own tests.
//
//   runtime   (publish_atom, scribe, port, actor, interface)   adds the scribe, names the
//             actor in the greeting that it sends
//   console   (connect_atom, scribe, port)    sends its greeting, answers with the actor

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

/// What a peer shows in its greeting.
struct shown_actor {
  caf::strong_actor_ptr who; ///< May be null: it shows none.
  std::set<std::string> interface;
};

/// What shows a supervisor.
[[nodiscard]] shown_actor shown(caf::actor_system& system,
                                const supervisor_actor& whom);

/// The supervisor that a peer shows. Errors: `system_error` (it shows none).
[[nodiscard]] expected<supervisor_actor>
supervisor_of(caf::actor_system& system, const shown_actor& peer);

/// Thread-safe.
class basp_door {
public:
  /// Whether a system can have a door: it has a middleman with CAF's own event loop.
  /// Errors: `invalid_argument`.
  [[nodiscard]] static expected<void> check(caf::actor_system& system);

  /// Not concurrently with other uses of `middleman::named_broker`. Precondition:
  /// `check`.
  explicit basp_door(caf::actor_system& system);

  /// Lets a peer in, who is shown the actor. `from` stands for the peer's address when
  /// it has none; `stay` is kept for as long as the connection.
  void admit(unique_descriptor descriptor, std::string from,
             std::shared_ptr<void> stay, shown_actor shown);

  /// Lets go of an actor that was shown.
  void forget(const caf::strong_actor_ptr& whom);

  /// Greets the peer, who has let us in. Errors: `timeout`, `system_error`.
  [[nodiscard]] expected<shown_actor> greet(unique_descriptor descriptor,
                                            std::chrono::milliseconds timeout);

private:
  caf::actor_system& system_;
  caf::actor broker_;
};

} // namespace troupe::detail
