#pragma once

// The front of a region: the one address that takes messages for any key.
//
// Accepts: `region_actor` (messages/interfaces.hpp).
// Sends: replies only. Changes enter the mailbox of the key's shard; loads and updates
//   run on the loader threads.
// Invariants
//   1. Messages of one sender about one key reach its shard in the order of sending.
//      `get_many_request` reads at once and may overtake them.
//   2. Every request is answered, also when the runtime drains meanwhile.
// Supervision: child of the supervisor. Its only state is its requests in progress,
//   which are answered after a restart, too; a restart loses nothing.
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

/// The namespaces of a region, in the form of messages.
[[nodiscard]] std::vector<namespace_info> namespace_infos(const region& where);

/// How the supervisor starts and restarts a region's front, a child of `parent`.
/// `directory` holds the present actor; every restarted actor uses the same `mailbox`.
[[nodiscard]] child_spec
supervised_region(caf::actor_system& system, std::string parent,
                  std::shared_ptr<region> where,
                  std::shared_ptr<region_directory> directory,
                  std::shared_ptr<lane> mailbox, watch_function watch);

} // namespace troupe
