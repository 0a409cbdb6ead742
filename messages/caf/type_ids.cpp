#include <troupe/messages/caf/type_ids.hpp>

#include <string>
#include <vector>

#include <caf/actor_system_config.hpp>

#include <troupe/messages/caf/error.hpp>
#include <troupe/messages/fields.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

namespace {

/// CAF knows all types that are not structs of Troupe.
template <class T>
struct type_adder {
  static void add(caf::actor_system_config&) {
    // nop
  }
};

template <class T>
struct type_adder<std::vector<T>> : type_adder<T> {};

/// A struct is sent by its name, which must not change between versions that
/// communicate.
template <described T>
struct type_adder<T> {
  static void add(caf::actor_system_config& cfg) {
    cfg.add_message_type<T>("troupe::" + std::string{type_name_of<T>});
    add_members(cfg, fields_t<T>{});
  }

  template <auto... Members>
  static void add_members(caf::actor_system_config& cfg, fields<Members...>) {
    (type_adder<member_type<Members>>::add(cfg), ...);
  }
};

template <class Handle>
void add_interface(caf::actor_system_config& cfg, const char* name) {
  cfg.add_message_type<Handle>(name);
  for_each_clause<Handle>([&cfg]<class Request, class... Replies>() {
    type_adder<Request>::add(cfg);
    (type_adder<Replies>::add(cfg), ...);
  });
}

} // namespace

void add_message_types(caf::actor_system_config& cfg) {
  for_each_interface([&cfg]<class Handle>(const char*, const char* name) {
    add_interface<Handle>(cfg, name);
  });
  cfg.add_error_category(error_category, render_error);
}

} // namespace troupe
