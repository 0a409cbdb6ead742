#pragma once

// The architecture on one page: which actor answers which request. Every request
// can also be answered by an error of the category "troupe" (caf/error.hpp);
// `errc` lists them.
//
// A new message takes two lines: its fields after its struct (requests/), and a
// clause here. Its type id, its form and its `inspect` are made from these.

#include <cstdint>
#include <string>

#include <troupe/messages/caf/inspect.hpp>
#include <troupe/messages/caf/signatures.hpp>
#include <troupe/messages/requests/actors.hpp>
#include <troupe/messages/requests/functions.hpp>
#include <troupe/messages/requests/keys.hpp>
#include <troupe/messages/requests/loads.hpp>
#include <troupe/messages/requests/metrics.hpp>
#include <troupe/messages/requests/namespaces.hpp>
#include <troupe/messages/requests/nodes.hpp>
#include <troupe/messages/requests/regions.hpp>
#include <troupe/messages/requests/runtime.hpp>

namespace troupe {

/// Owns one slice of a region's keys; answers for those only.
using shard_actor = interface<
  // The value and version of a live entry.
  answers<get_request, get_reply>,
  // Whether there is a live entry.
  answers<contains_request, bool>,
  // The time a live entry has left.
  answers<ttl_request, ttl_reply>,
  // Stores a value; false when its condition did not hold.
  answers<set_request, bool>,
  // Stores a value over a known version.
  answers<compare_and_set_request, compare_and_set_reply>,
  // Removes an entry; whether there was a live one.
  answers<erase_request, bool>,
  // Gives a live entry a new TTL; whether there was one.
  answers<touch_request, bool>,
  // Adds to a decimal integer; the sum.
  answers<increment_request, std::int64_t>,
  // Removes everything.
  answers<clear_request, void>>;

/// The front of a region: a shard's messages for any key, and those that take
/// more than one shard or more than one step.
using region_actor = shard_actor::extend<
  // Several values at once; each key is read on its own.
  answers<get_many_request, get_many_reply>,
  // Removes all entries with a tag.
  answers<invalidate_tag_request, void>,
  // The namespaces.
  answers<list_namespaces_request, namespace_list>,
  // Gives a namespace other limits.
  answers<set_namespace_limits_request, void>,
  // Removes all keys of a namespace.
  answers<clear_namespace_request, void>,
  // The value, loaded when absent. From the same process only.
  answers<load_request, load_reply>,
  // Replaces a value by what a function makes of it. As above.
  answers<update_request, update_reply>>;

/// Decides who loads and who waits. Its work comes from the shards, not by
/// message; these are for those who watch.
using load_coordinator_actor = interface<
  // The loads in flight, oldest first.
  answers<list_loads_request, load_list>,
  // Answers the waiters of a load with `load_cancelled`.
  answers<cancel_load_request, void>>;

/// Keeps the actor tree; the one handle that the console needs.
using supervisor_actor = load_coordinator_actor::extend<
  // The actors, parents before children.
  answers<list_actors_request, actor_list>,
  // Figures of the whole runtime.
  answers<runtime_stat_request, runtime_stat>,
  // Ends an actor as a crash would.
  answers<kill_request, void>,
  // Starts an actor again that stays down.
  answers<restart_request, void>,
  // Finishes what is in flight and stops everything.
  answers<drain_request, drain_report>,
  // Figures of an open region.
  answers<region_info_request, region_info>,
  // The front of an open region.
  answers<find_region_request, region_actor>,
  // An actor by its name: its kind, which says its interface
  // (interface_forms.hpp), and its handle.
  answers<find_actor_request, std::string, caf::strong_actor_ptr>,
  // The actor systems that ask here.
  answers<list_nodes_request, node_list>,
  // The present values of metrics.
  answers<list_metrics_request, metric_list>>;

/// Calls `f.template operator()<Handle>(kind, name)` for each interface: the kind of
/// its actors (`actor_info::kind`), and the name by which a handle travels, which must
/// not change between versions that talk.
template <class F>
void for_each_interface(F f) {
  f.template operator()<shard_actor>("shard", "troupe::shard_actor");
  f.template operator()<region_actor>("region", "troupe::region_actor");
  f.template operator()<load_coordinator_actor>(
    "load-coordinator", "troupe::load_coordinator_actor");
  f.template operator()<supervisor_actor>("supervisor",
                                          "troupe::supervisor_actor");
}

} // namespace troupe
