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

namespace {

template <class T>
struct option {
  const char* name;
  T region_options::*which;
};

/// The name of the first of these options in which `x` and `y` differ, or nullptr.
template <class... Ts>
const char* first_difference(const region_options& x, const region_options& y,
                             const option<Ts>&... all) {
  const char* result = nullptr;
  auto look = [&](const auto& one) {
    if (result == nullptr && !(x.*one.which == y.*one.which))
      result = one.name;
  };
  (look(all), ...);
  return result;
}

} // namespace

const char* difference(const region_options& x,
                       const region_options& y) noexcept {
  using o = region_options;
  return first_difference(
    x, y, option{"ttl", &o::ttl}, option{"idle", &o::idle},
    option{"jitter", &o::jitter}, option{"fail_safe", &o::fail_safe},
    option{"fail_safe_throttle", &o::fail_safe_throttle},
    option{"stale_while_revalidate", &o::stale_while_revalidate},
    option{"refresh_ahead", &o::refresh_ahead},
    option{"absence_ttl", &o::absence_ttl}, option{"shards", &o::shards},
    option{"load_timeout", &o::load_timeout}, option{"load_on", &o::load_on},
    option{"queue_timeout", &o::queue_timeout},
    option{"load_attempts", &o::load_attempts},
    option{"load_retries", &o::load_retries},
    option{"retry_backoff", &o::retry_backoff},
    option{"soft_timeout", &o::soft_timeout},
    option{"hard_timeout", &o::hard_timeout},
    option{"max_loads", &o::max_loads},
    option{"max_load_waiters", &o::max_load_waiters},
    option{"breaker", &o::breaker}, option{"op_timeout", &o::op_timeout},
    option{"max_bytes", &o::max_bytes}, option{"max_entries", &o::max_entries},
    option{"eviction", &o::eviction}, option{"max_key_size", &o::max_key_size},
    option{"max_value_size", &o::max_value_size},
    option{"namespaces", &o::namespaces}, option{"provider", &o::provider},
    option{"close_when_unused", &o::close_when_unused},
    option{"record_sets", &o::record_sets});
}

} // namespace troupe::detail
