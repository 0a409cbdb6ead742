#pragma once

// Makes the structs of requests.hpp messages of CAF: one `inspect` per struct.
// An enum travels as its underlying value and may hold anything on arrival;
// `options_of` checks it where it is used, so that the sender gets an answer
// instead of a message that vanishes.

#include <troupe/messages/requests.hpp>

namespace troupe {

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, get_request& x) {
  return f(x.key);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, get_reply& x) {
  return f(x.found, x.value, x.version);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, get_many_request& x) {
  return f(x.keys);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, get_many_reply& x) {
  return f(x.entries);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, contains_request& x) {
  return f(x.key);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, ttl_request& x) {
  return f(x.key);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, ttl_reply& x) {
  return f(x.found, x.ttl);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, write_terms& x) {
  return f(x.ttl, x.jitter, x.condition, x.keep_ttl);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, set_request& x) {
  return f(x.key, x.value, x.how);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f,
                                        compare_and_set_request& x) {
  return f(x.key, x.version, x.value, x.how);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f,
                                        compare_and_set_reply& x) {
  return f(x.version);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, erase_request& x) {
  return f(x.key);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, touch_request& x) {
  return f(x.key, x.ttl);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, increment_request& x) {
  return f(x.key, x.delta);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, clear_request& x) {
  return f(x.everything);
}

// A function does not travel. The request arrives without it, and the region
// answers `invalid_argument`; an error from here would only make the message
// disappear on its way and leave the requester waiting.

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, load_request& x) {
  return f(x.key, x.how);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, load_reply& x) {
  return f(x.value);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, update_request& x) {
  return f(x.key, x.how);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, update_reply& x) {
  return f(x.found, x.value);
}

// -- supervision -----------------------------------------------------------------

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, actor_info& x) {
  return f(x.name, x.parent, x.kind, x.state, x.mailbox_depth, x.handled,
           x.restarts, x.bytes, x.keys);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, list_actors_request& x) {
  return f(x.prefix);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, actor_list& x) {
  return f(x.actors);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, runtime_stat_request& x) {
  return f(x.with_regions);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, region_info& x) {
  return f(x.name, x.value_type, x.shards, x.keys, x.bytes, x.handled,
           x.restarts);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, runtime_stat& x) {
  return f(x.version, x.uptime, x.process_id, x.resident_bytes,
           x.cpu_milliseconds, x.actors, x.loads_in_flight, x.loader_threads,
           x.loader_queue, x.draining, x.regions);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, kill_request& x) {
  return f(x.name);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, drain_request& x) {
  return f(x.deadline);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, drain_report& x) {
  return f(x.took, x.stuck);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, load_info& x) {
  return f(x.id, x.region, x.key, x.age, x.remaining, x.attempt, x.waiters,
           x.fenced);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, list_loads_request& x) {
  return f(x.limit);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, load_list& x) {
  return f(x.loads, x.total);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, cancel_load_request& x) {
  return f(x.id);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, find_region_request& x) {
  return f(x.name);
}

} // namespace troupe
