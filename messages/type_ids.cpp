#include <troupe/messages/type_ids.hpp>

#include <caf/actor_system_config.hpp>

#include <troupe/messages/caf_error.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

namespace {

// Names travel; they must not change between versions that talk.

void add_storage_types(caf::actor_system_config& cfg) {
  cfg.add_message_type<get_request>("troupe::get_request")
    .add_message_type<get_reply>("troupe::get_reply")
    .add_message_type<get_many_request>("troupe::get_many_request")
    .add_message_type<get_many_reply>("troupe::get_many_reply")
    .add_message_type<contains_request>("troupe::contains_request")
    .add_message_type<ttl_request>("troupe::ttl_request")
    .add_message_type<ttl_reply>("troupe::ttl_reply")
    .add_message_type<write_terms>("troupe::write_terms")
    .add_message_type<set_request>("troupe::set_request")
    .add_message_type<compare_and_set_request>(
      "troupe::compare_and_set_request")
    .add_message_type<compare_and_set_reply>("troupe::compare_and_set_reply")
    .add_message_type<erase_request>("troupe::erase_request")
    .add_message_type<touch_request>("troupe::touch_request")
    .add_message_type<increment_request>("troupe::increment_request")
    .add_message_type<clear_request>("troupe::clear_request")
    .add_message_type<invalidate_tag_request>("troupe::invalidate_tag_request")
    .add_message_type<list_namespaces_request>(
      "troupe::list_namespaces_request")
    .add_message_type<namespace_info>("troupe::namespace_info")
    .add_message_type<namespace_list>("troupe::namespace_list")
    .add_message_type<set_namespace_limits_request>(
      "troupe::set_namespace_limits_request")
    .add_message_type<clear_namespace_request>(
      "troupe::clear_namespace_request")
    .add_message_type<load_request>("troupe::load_request")
    .add_message_type<load_reply>("troupe::load_reply")
    .add_message_type<update_request>("troupe::update_request")
    .add_message_type<update_reply>("troupe::update_reply");
}

void add_supervision_types(caf::actor_system_config& cfg) {
  cfg.add_message_type<actor_info>("troupe::actor_info")
    .add_message_type<list_actors_request>("troupe::list_actors_request")
    .add_message_type<actor_list>("troupe::actor_list")
    .add_message_type<runtime_stat_request>("troupe::runtime_stat_request")
    .add_message_type<region_info>("troupe::region_info")
    .add_message_type<runtime_stat>("troupe::runtime_stat")
    .add_message_type<kill_request>("troupe::kill_request")
    .add_message_type<restart_request>("troupe::restart_request")
    .add_message_type<drain_request>("troupe::drain_request")
    .add_message_type<drain_report>("troupe::drain_report")
    .add_message_type<load_info>("troupe::load_info")
    .add_message_type<list_loads_request>("troupe::list_loads_request")
    .add_message_type<load_list>("troupe::load_list")
    .add_message_type<cancel_load_request>("troupe::cancel_load_request")
    .add_message_type<region_info_request>("troupe::region_info_request")
    .add_message_type<find_region_request>("troupe::find_region_request")
    .add_message_type<find_actor_request>("troupe::find_actor_request")
    .add_message_type<list_nodes_request>("troupe::list_nodes_request")
    .add_message_type<node_info>("troupe::node_info")
    .add_message_type<node_list>("troupe::node_list");
}

void add_handle_types(caf::actor_system_config& cfg) {
  cfg.add_message_type<shard_actor>("troupe::shard_actor")
    .add_message_type<region_actor>("troupe::region_actor")
    .add_message_type<load_coordinator_actor>("troupe::load_coordinator_actor")
    .add_message_type<supervisor_actor>("troupe::supervisor_actor");
}

} // namespace

void add_message_types(caf::actor_system_config& cfg) {
  add_storage_types(cfg);
  add_supervision_types(cfg);
  add_handle_types(cfg);
  cfg.add_error_category(error_category, render_error);
}

} // namespace troupe
