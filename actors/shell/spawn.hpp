#pragma once

#include <utility>

#include <caf/actor_system.hpp>

namespace troupe {

/// Starts an actor of the class `Shell` and returns its typed handle. The actor is
/// hidden: `actor_system::await_all_actors_done` does not wait for it.
template <class Shell, class... Args>
[[nodiscard]] auto spawn_hidden(caf::actor_system& system, Args&&... args) {
  return system.spawn<Shell, caf::hidden>(std::forward<Args>(args)...);
}

} // namespace troupe
