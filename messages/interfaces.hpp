#pragma once

// The architecture on one page: which actor answers which request. Every request may
// also be answered with an error of the category "troupe" (caf/error.hpp); `errc` lists
// them.
//
// A new message takes two lines: its fields after its struct (requests/), and a clause
// here. Its type id, its form and its `inspect` are made from these.

#include <cstdint>
#include <string>

#include <troupe/messages/caf/inspect.hpp>
#include <troupe/messages/caf/signatures.hpp>
#include <troupe/messages/requests/actors.hpp>
#include <troupe/messages/requests/explain.hpp>
#include <troupe/messages/requests/functions.hpp>
#include <troupe/messages/requests/keys.hpp>
#include <troupe/messages/requests/loaders.hpp>
#include <troupe/messages/requests/loads.hpp>
#include <troupe/messages/requests/metrics.hpp>
#include <troupe/messages/requests/namespaces.hpp>
#include <troupe/messages/requests/nodes.hpp>
#include <troupe/messages/requests/regions.hpp>
#include <troupe/messages/requests/runtime.hpp>
#include <troupe/messages/requests/topics.hpp>

namespace troupe {

/// Owns one slice of a region's keys; answers only for these.
using shard_actor = interface<
  // Returns the value and version of a live entry.
  answers<get_request, get_reply>,
  // Returns whether there is a live entry.
  answers<contains_request, bool>,
  // Returns the time until a live entry expires.
  answers<ttl_request, ttl_reply>,
  // Stores a value; false when its condition does not hold.
  answers<set_request, bool>,
  // Stores a value when the entry has a given version.
  answers<compare_and_set_request, compare_and_set_reply>,
  // Removes an entry; returns whether there was a live one.
  answers<erase_request, bool>,
  // Gives a live entry a new TTL; returns whether there was one.
  answers<touch_request, bool>,
  // Adds to a decimal integer; returns the sum.
  answers<increment_request, std::int64_t>,
  // Removes all entries.
  answers<clear_request, void>>;

/// The front of a region: a shard's messages for any key, and operations that need more
/// than one shard or more than one step.
using region_actor = shard_actor::extend<
  // Returns several values; each key is read on its own.
  answers<get_many_request, get_many_reply>,
  // Says why a key is in the state that it is in.
  answers<explain_request, explained_key>,
  // Removes all entries with a tag.
  answers<invalidate_tag_request, void>,
  // Lists the namespaces.
  answers<list_namespaces_request, namespace_list>,
  // Sets the limits of a namespace.
  answers<set_namespace_limits_request, void>,
  // Removes all keys of a namespace.
  answers<clear_namespace_request, void>,
  // Returns the value; loads it when absent. From the same process only.
  answers<load_request, load_reply>,
  // Replaces a value by the result of a function. From the same process only.
  answers<update_request, update_reply>>;

/// Decides which caller loads and which waits. Its work comes from the shards, not by
/// message; these messages are for observers.
using load_coordinator_actor = interface<
  // Lists the loads in flight, oldest first.
  answers<list_loads_request, load_list>,
  // Lists the circuit breakers of the regions.
  answers<list_breakers_request, breaker_list>,
  // Answers the waiters of a load with `load_cancelled`.
  answers<cancel_load_request, void>>;

/// An actor that has the values that a region caches (actors/loads/load_by_actor.hpp).
using loader_actor = interface<
  // Returns the value of a missing key.
  answers<load_value_request, load_value_reply>>;

/// The topics of the runtime. An actor that subscribes must accept the messages of
/// `topic_subscriber_actor`.
using topics_actor = interface<
  // Sends a message to the subscribers of a channel; the answer is their number.
  answers<publish_request, std::uint64_t>,
  // Makes the sender a subscriber; false when it already is one.
  answers<subscribe_request, bool>,
  // Ends a subscription of the sender; false when there was none.
  answers<unsubscribe_request, bool>,
  // The number of subscribers.
  answers<count_subscribers_request, std::uint64_t>>;

/// What the topics send to an actor that has subscribed. The actor's answer to a message
/// requests further messages.
using topic_subscriber_actor = interface<
  // A message that was published.
  answers<topic_message, void>,
  // The runtime has ended all subscriptions of the actor.
  answers<topics_ended, void>>;

/// Keeps the actor tree; the only handle that the console needs.
using supervisor_actor = load_coordinator_actor::extend<
  // Lists the actors, parents before children.
  answers<list_actors_request, actor_list>,
  // Returns figures of the whole runtime.
  answers<runtime_stat_request, runtime_stat>,
  // Ends an actor in the same way as a crash.
  answers<kill_request, void>,
  // Restarts an actor that stays down.
  answers<restart_request, void>,
  // Finishes the work in flight and stops all actors.
  answers<drain_request, drain_report>,
  // Returns figures of an open region.
  answers<region_info_request, region_info>,
  // Returns the front of an open region.
  answers<find_region_request, region_actor>,
  // Finds an actor by its name: its kind, which determines its interface
  // (interface_forms.hpp), and its handle.
  answers<find_actor_request, std::string, caf::strong_actor_ptr>,
  // Lists the actor systems that sent requests to this one.
  answers<list_nodes_request, node_list>,
  // Returns the present values of metrics.
  answers<list_metrics_request, metric_list>>;

/// Calls `f.template operator()<Handle>(kind, name)` for each interface: the kind of
/// its actors (`actor_info::kind`), and the name under which a handle is sent. The name
/// must not change between versions that communicate.
template <class F>
void for_each_interface(F f) {
  f.template operator()<shard_actor>("shard", "troupe::shard_actor");
  f.template operator()<region_actor>("region", "troupe::region_actor");
  f.template operator()<load_coordinator_actor>(
    "load-coordinator", "troupe::load_coordinator_actor");
  f.template operator()<loader_actor>("loader", "troupe::loader_actor");
  f.template operator()<topics_actor>("topics", "troupe::topics_actor");
  f.template operator()<topic_subscriber_actor>(
    "topic-subscriber", "troupe::topic_subscriber_actor");
  f.template operator()<supervisor_actor>("supervisor",
                                          "troupe::supervisor_actor");
}

} // namespace troupe
