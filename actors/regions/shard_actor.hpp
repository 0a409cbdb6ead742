#pragma once

// The actor around a shard (shard.hpp): gives one slice of a region's keys an address.
// It uses the shard's own mailbox, so that typed messages and direct calls share one
// queue.
//
// Accepts: `shard_actor` (messages/interfaces.hpp), for keys of its slice.
// Sends: replies only.
// Invariants
//   1. A message is handled in the shard's turn; its reply reports the result of that
//      turn.
//   2. An operation that waits (for an update lease) is answered after it ran; the
//      messages behind it do not wait for it.
// Supervision: child of the supervisor. A restart keeps the shard with all its
//   entries. While there is no actor, direct calls wait and messages are
//   answered with `shard_down`. After too many crashes the shard stays failed
//   until an operator restarts it.
// Threading: a lane actor (lane_actor.hpp).

#include <cstddef>
#include <memory>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/actors/regions/region_directory.hpp>
#include <troupe/actors/supervision/supervisor_actor.hpp>

namespace troupe {

/// How the supervisor starts and restarts a region's shard. `directory` holds the
/// present actor; `given_up` decides what readers get when the shard stays down.
[[nodiscard]] child_spec
supervised_shard(caf::actor_system& system, std::shared_ptr<region> where,
                 std::size_t index, std::shared_ptr<region_directory> directory,
                 watch_function watch,
                 failed_shards given_up = failed_shards::serve);

} // namespace troupe
