#pragma once

// The base class of the runtime's actors that run on CAF's scheduler. lane_actor.hpp
// has the base class of actors whose mailbox is a lane.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include <caf/actor_config.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace troupe {

/// An actor that has ended.
struct actor_death {
  /// The node that it lived on, as CAF writes it; empty: this node.
  std::string node;
  std::uint64_t id = 0; ///< Its number on that node.
  /// Printable. Known for actors of this node.
  std::string reason = {};
};

/// Runs a function in a turn of an actor. Thread-safe.
using turn_function = std::function<void(std::function<void()>)>;

namespace detail {

// The part that does not depend on the interface of the actor.

/// Makes the actor report unexpected input (unexpected.hpp), and accept functions for
/// `in_turn`.
void prepare_service(caf::scheduled_actor& self);

void set_death_handler(caf::scheduled_actor& self,
                       std::function<void(const actor_death&)> f);

void send_turn(const caf::strong_actor_ptr& whom, std::function<void()> f);

[[nodiscard]] turn_function make_turns(const caf::strong_actor_ptr& whom);

} // namespace detail

/// `Handle` is the typed handle of the actor, e.g. `supervisor_actor`; derive and
/// implement `make_behavior` and, if needed, `on_exit`.
template <class Handle>
class service_actor : public Handle::base {
public:
  using super = typename Handle::base;

  explicit service_actor(caf::actor_config& cfg) : super(cfg) {
    detail::prepare_service(*this);
  }

protected:
  /// A reference that keeps the actor alive for functions that are called later.
  [[nodiscard]] caf::strong_actor_ptr strong_self() {
    return caf::strong_actor_ptr{this->ctrl()};
  }

  /// Runs `f` in a turn of the actor, unless it has ended by then. Thread-safe; for
  /// results from other threads. It is sent in a type that no peer can make.
  void in_turn(std::function<void()> f) {
    detail::send_turn(strong_self(), std::move(f));
  }

  /// A function that runs another function in this actor's turn, from any thread and at
  /// any time. It does nothing when the actor has ended, and does not keep it alive.
  [[nodiscard]] turn_function turns() {
    return detail::make_turns(strong_self());
  }

  /// Calls `f` with each death of an actor that this one monitors. A peer can forge a
  /// message that reports a death: it counts only when the actor has ended.
  void on_deaths(std::function<void(const actor_death&)> f) {
    detail::set_death_handler(*this, std::move(f));
  }
};

} // namespace troupe
