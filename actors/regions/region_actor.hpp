#pragma once

// The front of a region: the one address that takes messages for any key.
//
// Accepts: `region_actor` (messages/interfaces.hpp).
// Sends: replies only. Changes enter the mailbox of the key's shard; loads and updates
//   run on the loader threads.
// Invariants
//   1. Messages of one sender about one key reach its shard in their order.
//      `get_many_request` reads at once and may overtake them.
//   2. Every request is answered, also when the runtime drains meanwhile.
// Supervision: child of the supervisor. It has no state but its requests in
//   work, which are answered all the same; a restart loses nothing.
// Threading: a lane actor (lane_actor.hpp) with a lane of its own.

#include <memory>
#include <string>
#include <vector>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/actors/regions/region_directory.hpp>
#include <troupe/actors/supervision/supervisor_actor.hpp>
#include <troupe/backends/core/lane.hpp>
#include <troupe/messages/requests/namespaces.hpp>

namespace troupe {

/// The namespaces of a region as messages tell them.
[[nodiscard]] std::vector<namespace_info> namespace_infos(const region& where);

/// What the supervisor has to know of a region's front, a child of `parent`.
/// `directory` holds the present actor; `mailbox` is shared by its successors.
[[nodiscard]] child_spec
supervised_region(caf::actor_system& system, std::string parent,
                  std::shared_ptr<region> where,
                  std::shared_ptr<region_directory> directory,
                  std::shared_ptr<lane> mailbox, watch_function watch);

} // namespace troupe
