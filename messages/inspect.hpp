#pragma once

// Makes the structs of requests.hpp messages of CAF: which members travel, of
// which fields.hpp makes the `inspect`. An enum travels as its underlying value
// and may hold anything on arrival; `options_of` checks it where it is used, so
// that the sender gets an answer instead of a message that vanishes.

#include <cmath>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/requests.hpp>

namespace troupe {

fields<&get_request::key> fields_of(const get_request&);

fields<&get_reply::found, &get_reply::value, &get_reply::version>
fields_of(const get_reply&);

fields<&get_many_request::keys> fields_of(const get_many_request&);

fields<&get_many_reply::entries> fields_of(const get_many_reply&);

fields<&contains_request::key> fields_of(const contains_request&);

fields<&ttl_request::key> fields_of(const ttl_request&);

fields<&ttl_reply::found, &ttl_reply::ttl> fields_of(const ttl_reply&);

fields<&write_terms::ttl, &write_terms::idle, &write_terms::jitter,
       &write_terms::condition, &write_terms::keep_ttl, &write_terms::tags>
fields_of(const write_terms&);

/// CAF 0.17 never finishes writing an infinity. What is not finite arrives as a value
/// that `options_of` refuses.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, write_terms& x) {
  constexpr double refused = 2.0;
  // A copy: others may read the message meanwhile.
  auto jitter = std::isfinite(x.jitter) ? x.jitter : refused;
  if constexpr (Inspector::reads_state) {
    return f(x.ttl, x.idle, jitter, x.condition, x.keep_ttl, x.tags);
  } else {
    auto result = f(x.ttl, x.idle, jitter, x.condition, x.keep_ttl, x.tags);
    x.jitter = jitter;
    return result;
  }
}

fields<&set_request::key, &set_request::value, &set_request::how>
fields_of(const set_request&);

fields<&compare_and_set_request::key, &compare_and_set_request::version,
       &compare_and_set_request::value, &compare_and_set_request::how>
fields_of(const compare_and_set_request&);

fields<&compare_and_set_reply::version> fields_of(const compare_and_set_reply&);

fields<&erase_request::key> fields_of(const erase_request&);

fields<&touch_request::key, &touch_request::ttl>
fields_of(const touch_request&);

fields<&increment_request::key, &increment_request::delta>
fields_of(const increment_request&);

fields<&clear_request::everything> fields_of(const clear_request&);

fields<&invalidate_tag_request::tag>
fields_of(const invalidate_tag_request&);

fields<&list_namespaces_request::limit>
fields_of(const list_namespaces_request&);

fields<&namespace_info::prefix, &namespace_info::keys, &namespace_info::charged,
       &namespace_info::max_bytes, &namespace_info::max_entries,
       &namespace_info::evictions, &namespace_info::shards,
       &namespace_info::eviction>
fields_of(const namespace_info&);

fields<&namespace_list::namespaces> fields_of(const namespace_list&);

fields<&set_namespace_limits_request::prefix,
       &set_namespace_limits_request::max_bytes,
       &set_namespace_limits_request::max_entries>
fields_of(const set_namespace_limits_request&);

fields<&clear_namespace_request::prefix>
fields_of(const clear_namespace_request&);

// A function does not travel. The request arrives without it, and the region
// answers `invalid_argument`; an error from here would only make the message
// disappear on its way and leave the requester waiting.

fields<&load_request::key, &load_request::how> fields_of(const load_request&);

fields<&load_reply::found, &load_reply::value> fields_of(const load_reply&);

fields<&update_request::key, &update_request::how>
fields_of(const update_request&);

fields<&update_reply::found, &update_reply::value>
fields_of(const update_reply&);

// -- supervision -----------------------------------------------------------------

fields<&actor_info::name, &actor_info::parent, &actor_info::kind,
       &actor_info::state, &actor_info::mailbox_depth, &actor_info::handled,
       &actor_info::restarts, &actor_info::bytes, &actor_info::keys,
       &actor_info::subscribers>
fields_of(const actor_info&);

fields<&list_actors_request::prefix> fields_of(const list_actors_request&);

fields<&actor_list::actors, &actor_list::omitted>
fields_of(const actor_list&);

fields<&runtime_stat_request::with_regions>
fields_of(const runtime_stat_request&);

fields<&region_info::name, &region_info::value_type, &region_info::shards,
       &region_info::keys, &region_info::bytes, &region_info::handled,
       &region_info::restarts, &region_info::namespaces,
       &region_info::undecodable, &region_info::shards_failed,
       &region_info::encoding, &region_info::least_value,
       &region_info::most_value>
fields_of(const region_info&);

fields<&runtime_stat::version, &runtime_stat::uptime, &runtime_stat::process_id,
       &runtime_stat::resident_bytes, &runtime_stat::cpu_milliseconds,
       &runtime_stat::cpu_permille, &runtime_stat::cpu_window,
       &runtime_stat::threads, &runtime_stat::open_files,
       &runtime_stat::file_limit, &runtime_stat::actors,
       &runtime_stat::loads_in_flight, &runtime_stat::loader_threads,
       &runtime_stat::loader_queue, &runtime_stat::draining,
       &runtime_stat::regions, &runtime_stat::actor_crashes,
       &runtime_stat::actor_restarts, &runtime_stat::actors_failed,
       &runtime_stat::shards_failed>
fields_of(const runtime_stat&);

fields<&kill_request::name> fields_of(const kill_request&);

fields<&restart_request::name> fields_of(const restart_request&);

fields<&drain_request::deadline> fields_of(const drain_request&);

fields<&drain_report::took, &drain_report::stuck, &drain_report::clients,
       &drain_report::clients_cut>
fields_of(const drain_report&);

fields<&load_info::id, &load_info::region, &load_info::key, &load_info::age,
       &load_info::remaining, &load_info::attempt, &load_info::waiters,
       &load_info::fenced>
fields_of(const load_info&);

fields<&list_loads_request::limit> fields_of(const list_loads_request&);

fields<&load_list::loads, &load_list::total> fields_of(const load_list&);

fields<&cancel_load_request::id> fields_of(const cancel_load_request&);

fields<&region_info_request::name> fields_of(const region_info_request&);

fields<&find_region_request::name> fields_of(const find_region_request&);

fields<&find_actor_request::name> fields_of(const find_actor_request&);

fields<&list_nodes_request::limit> fields_of(const list_nodes_request&);

fields<&node_info::id, &node_info::address, &node_info::known_for,
       &node_info::requests, &node_info::actors>
fields_of(const node_info&);

fields<&node_list::self, &node_list::nodes, &node_list::total>
fields_of(const node_list&);

} // namespace troupe
