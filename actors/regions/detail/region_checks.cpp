#include <troupe/actors/regions/detail/region_checks.hpp>

#include <algorithm>
#include <string>

#include <troupe/actors/supervision/actor_names.hpp>

namespace troupe::detail {

expected<void> check_region_name(std::string_view name) {
  if (is_actor_name(name))
    return {};
  return fail(errc::invalid_argument,
              "a region is named with " + std::string{actor_name_rule});
}

void adopt_choices(region_options& wanted,
                   const region_options& present) noexcept {
  if (wanted.shards == 0)
    wanted.shards = present.shards;
  auto& spaces = wanted.namespaces;
  const auto both = std::min(spaces.size(), present.namespaces.size());
  for (std::size_t i = 0; i < both; ++i)
    if (spaces[i].shards == 0)
      spaces[i].shards = present.namespaces[i].shards;
}

const char* difference(const region_options& x,
                       const region_options& y) noexcept {
  if (x.ttl != y.ttl)
    return "ttl";
  if (x.idle != y.idle)
    return "idle";
  if (x.jitter != y.jitter)
    return "jitter";
  if (x.shards != y.shards)
    return "shards";
  if (x.load_timeout != y.load_timeout)
    return "load_timeout";
  if (x.queue_timeout != y.queue_timeout)
    return "queue_timeout";
  if (x.load_attempts != y.load_attempts)
    return "load_attempts";
  if (x.op_timeout != y.op_timeout)
    return "op_timeout";
  if (x.max_bytes != y.max_bytes)
    return "max_bytes";
  if (x.max_entries != y.max_entries)
    return "max_entries";
  if (x.eviction != y.eviction)
    return "eviction";
  if (x.max_key_size != y.max_key_size)
    return "max_key_size";
  if (x.max_value_size != y.max_value_size)
    return "max_value_size";
  if (x.namespaces != y.namespaces)
    return "namespaces";
  if (x.provider != y.provider)
    return "provider";
  if (x.close_when_unused != y.close_when_unused)
    return "close_when_unused";
  return nullptr;
}

} // namespace troupe::detail
