#pragma once

// What the runtime does with an actor whatever its interface: watches it, ends it,
// and learns of its end. Thread-safe.

#include <chrono>
#include <functional>

#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>

namespace troupe {

/// Has the death of an actor reported to its present observer.
using watch_function = std::function<void(const caf::strong_actor_ptr& whom)>;

/// Has the death of an actor reported to an observer, at once when it is dead
/// already. Without one of the two nothing happens.
void monitor(const caf::strong_actor_ptr& whom,
             const caf::strong_actor_ptr& observer);

/// Calls `f` once when an actor has ended: on the thread where it ends, or here when
/// it is dead already.
void when_ended(const caf::strong_actor_ptr& whom, std::function<void()> f);

/// Ends an actor, if there is one: as a crash would, or in order. In its own
/// turn: here and now when it is an idle lane actor.
void end_actor(const caf::strong_actor_ptr& whom, bool crash);

/// Ends an actor in order and waits for that, for up to `limit`. Whether it ended.
/// Blocks the calling thread, which may not be one of CAF's.
[[nodiscard]] bool end_and_wait(caf::actor_system& system,
                                caf::strong_actor_ptr whom,
                                std::chrono::milliseconds limit);

/// Under the scheduler for tests, where nothing runs by itself: runs what waits.
void let_run(caf::actor_system& system);

} // namespace troupe
