#pragma once

// The actor around a shard (shard.hpp): makes one slice of a region's keys
// addressable. It lives in the shard's own mailbox, so that typed messages and
// direct calls stand in one line.
//
// Accepts: `shard_actor` (messages/interfaces.hpp), for keys of its slice.
// Sends: replies only.
// Invariants
//   1. A message is handled in the shard's turn; a reply says what happened
//      there.
//   2. An operation that has to wait (for an update lease) is answered when it
//      ran; the messages behind it do not wait for it.
// Supervision: child of the supervisor. A restart keeps the shard with all its
//   entries; while there is no actor, direct calls wait and messages are
//   answered with `shard_down`. After too many crashes the shard is failed, until
//   it is started again by order.
// Threading: a lane actor (lane_actor.hpp).

#include <cstddef>
#include <memory>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/actors/regions/region_directory.hpp>
#include <troupe/actors/supervision/supervisor_actor.hpp>

namespace troupe {

/// What the supervisor has to know of a region's shard. `directory` holds the
/// present actor; `given_up` says what readers find when it stays down.
[[nodiscard]] child_spec
supervised_shard(caf::actor_system& system, std::shared_ptr<region> where,
                 std::size_t index, std::shared_ptr<region_directory> directory,
                 watch_function watch,
                 failed_shards given_up = failed_shards::serve);

} // namespace troupe
