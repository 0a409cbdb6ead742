#pragma once

// The base of the runtime's actors that run on CAF's scheduler; lane_actor.hpp is
// that of actors whose mailbox is a lane.

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
  /// The node that it lived on, as CAF writes it; empty: the own one.
  std::string node;
  std::uint64_t id = 0; ///< Its number on that node.
  /// Printable. Known of actors of the own node.
  std::string reason = {};
};

/// Runs a function in a turn of an actor. Thread-safe.
using turn_function = std::function<void(std::function<void()>)>;

namespace detail {

// What does not depend on the interface of the actor.

/// Has it report what it does not expect (unexpected.hpp), and take turns.
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
  /// Keeps the actor in existence, for functions that are called later.
  [[nodiscard]] caf::strong_actor_ptr strong_self() {
    return caf::strong_actor_ptr{this->ctrl()};
  }

  /// Runs `f` in a turn of the actor, unless it has ended by then. Thread-safe; for
  /// results that are ready elsewhere. Travels in a type that no peer can make.
  void in_turn(std::function<void()> f) {
    detail::send_turn(strong_self(), std::move(f));
  }

  /// What does the same from anywhere, and at any time: it does nothing when the actor
  /// has ended, and does not keep it in existence.
  [[nodiscard]] turn_function turns() {
    return detail::make_turns(strong_self());
  }

  /// Has `f` called with each death of an actor that this one watches. A peer can
  /// write a message that reports one: it counts only when the actor has ended.
  void on_deaths(std::function<void(const actor_death&)> f) {
    detail::set_death_handler(*this, std::move(f));
  }
};

} // namespace troupe
