#pragma once

// What the runtime does with an actor of any interface: monitors it, ends it, and is
// informed of its end. Thread-safe.

#include <chrono>
#include <functional>

#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>

namespace troupe {

/// Has the death of an actor reported to its present observer.
using watch_function = std::function<void(const caf::strong_actor_ptr& whom)>;

/// Has the death of an actor reported to an observer, at once when it is already dead.
/// No effect when either is null.
void monitor(const caf::strong_actor_ptr& whom,
             const caf::strong_actor_ptr& observer);

/// Calls `f` once when an actor has ended: on the thread where it ends, or on this one
/// when it is already dead.
void when_ended(const caf::strong_actor_ptr& whom, std::function<void()> f);

/// Ends an actor, unless it is null: like a crash, or normally. It ends in its own
/// turn: at once, on this thread, when it is an idle lane actor.
void end_actor(const caf::strong_actor_ptr& whom, bool crash);

/// Ends an actor normally and waits for its end, up to `limit`. Returns whether it
/// ended. Blocks the calling thread, which must not be one of CAF's.
[[nodiscard]] bool end_and_wait(caf::actor_system& system,
                                caf::strong_actor_ptr whom,
                                std::chrono::milliseconds limit);

/// Under CAF's test scheduler, which runs nothing by itself: runs what waits.
void let_run(caf::actor_system& system);

} // namespace troupe
