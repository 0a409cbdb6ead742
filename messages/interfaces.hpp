#pragma once

// The architecture on one page: who answers what. Every request can also be
// answered by an error of the category "troupe" (caf_error.hpp); `errc` tells
// which ones. The spelling of signatures is that of CAF 0.17.

#include <cstdint>
#include <string>

#include <caf/actor_control_block.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <troupe/messages/inspect.hpp>
#include <troupe/messages/requests.hpp>

namespace troupe {

/// Owns one slice of a region's keys; answers for those only.
using shard_actor = caf::typed_actor<
  // The value and version of a live entry.
  caf::replies_to<get_request>::with<get_reply>,
  // Whether there is a live entry.
  caf::replies_to<contains_request>::with<bool>,
  // The time a live entry has left.
  caf::replies_to<ttl_request>::with<ttl_reply>,
  // Stores a value; false when its condition did not hold.
  caf::replies_to<set_request>::with<bool>,
  // Stores a value over a known version.
  caf::replies_to<compare_and_set_request>::with<compare_and_set_reply>,
  // Removes an entry; whether there was a live one.
  caf::replies_to<erase_request>::with<bool>,
  // Gives a live entry a new TTL; whether there was one.
  caf::replies_to<touch_request>::with<bool>,
  // Adds to a decimal integer; the sum.
  caf::replies_to<increment_request>::with<std::int64_t>,
  // Removes everything.
  caf::replies_to<clear_request>::with<void>>;

/// The front of a region: a shard's messages for any key, and those that take
/// more than one shard or more than one step.
using region_actor = shard_actor::extend<
  // Several values at once; each key is read on its own.
  caf::replies_to<get_many_request>::with<get_many_reply>,
  // Removes all entries with a tag.
  caf::replies_to<invalidate_tag_request>::with<void>,
  // The namespaces.
  caf::replies_to<list_namespaces_request>::with<namespace_list>,
  // Gives a namespace other limits.
  caf::replies_to<set_namespace_limits_request>::with<void>,
  // Removes all keys of a namespace.
  caf::replies_to<clear_namespace_request>::with<void>,
  // The value, loaded when absent. From the same process only.
  caf::replies_to<load_request>::with<load_reply>,
  // Replaces a value by what a function makes of it. As above.
  caf::replies_to<update_request>::with<update_reply>>;

/// Decides who loads and who waits. Its work comes from the shards, not by
/// message; these are for those who watch.
using load_coordinator_actor = caf::typed_actor<
  // The loads in flight, oldest first.
  caf::replies_to<list_loads_request>::with<load_list>,
  // Answers the waiters of a load with `load_cancelled`.
  caf::replies_to<cancel_load_request>::with<void>>;

/// Keeps the actor tree; the one handle that the console needs.
using supervisor_actor = load_coordinator_actor::extend<
  // The actors, parents before children.
  caf::replies_to<list_actors_request>::with<actor_list>,
  // Figures of the whole runtime.
  caf::replies_to<runtime_stat_request>::with<runtime_stat>,
  // Ends an actor as a crash would.
  caf::replies_to<kill_request>::with<void>,
  // Starts an actor again that stays down.
  caf::replies_to<restart_request>::with<void>,
  // Finishes what is in flight and stops everything.
  caf::replies_to<drain_request>::with<drain_report>,
  // Figures of an open region.
  caf::replies_to<region_info_request>::with<region_info>,
  // The front of an open region.
  caf::replies_to<find_region_request>::with<region_actor>,
  // An actor by its name: its kind, which tells its interface (forms.hpp), and
  // its handle.
  caf::replies_to<find_actor_request>::with<std::string, caf::strong_actor_ptr>,
  // The actor systems that ask here.
  caf::replies_to<list_nodes_request>::with<node_list>>;

} // namespace troupe
