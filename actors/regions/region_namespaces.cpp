// The part of a region that concerns one of its namespaces.

#include <troupe/actors/regions/region.hpp>

#include <utility>

#include <troupe/messages/types/namespaces.hpp>

namespace troupe {

expected<shard_group*> region::find_group(bytes_view prefix) const {
  return shards_.namespace_of(prefix).map(
    [this](std::size_t index) { return shards_.groups()[index + 1].get(); });
}

std::vector<namespace_stats> region::namespaces() const {
  std::vector<namespace_stats> result;
  for (std::size_t i = 0; i < options_.namespaces.size(); ++i) {
    auto& group = *shards_.groups()[i + 1];
    namespace_stats x;
    x.prefix = options_.namespaces[i].prefix;
    x.max_bytes = group.bytes().option();
    x.max_entries = group.entries().option();
    x.eviction = group.eviction();
    x.own_eviction = !group.follows();
    x.shards = group.shards().size();
    for (auto& shard : group.shards()) {
      auto& entries = shard->store().entries();
      x.keys += entries.size();
      x.charged += entries.charged();
      x.evictions += entries.evictions();
      x.expirations += entries.expirations();
    }
    result.push_back(std::move(x));
  }
  return result;
}

expected<void>
region::check_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                               std::size_t max_entries) const {
  return shards_.namespace_of(prefix).and_then(
    [&](std::size_t index) -> expected<void> {
      auto wanted = options_.namespaces[index];
      wanted.max_bytes = max_bytes;
      wanted.max_entries = max_entries;
      return check({wanted}, options_.max_key_size);
    });
}

expected<void> region::set_namespace_limits(bytes_view prefix,
                                            std::size_t max_bytes,
                                            std::size_t max_entries) {
  if (auto ok = check_namespace_limits(prefix, max_bytes, max_entries); !ok)
    return ok;
  return find_group(prefix).and_then([&](shard_group* group) -> expected<void> {
    if (auto ok = group->check_open(); !ok)
      return ok;
    group->limit(max_bytes, max_entries);
    group->obey(group->held(), 1.0, 1.0);
    return {};
  });
}

expected<void>
region::set_namespace_eviction(bytes_view prefix,
                               std::optional<eviction_policy> x) {
  return find_group(prefix).and_then([&](shard_group* group) -> expected<void> {
    if (auto ok = group->check_open(); !ok)
      return ok;
    group->follow(!x);
    group->set_eviction(x.value_or(eviction()));
    return {};
  });
}

expected<void> region::clear_namespace(bytes_view prefix) {
  return find_group(prefix).and_then(
    [this](shard_group* group) -> expected<void> {
      if (auto ok = group->check_open(); !ok)
        return ok;
      tags_->keep_out_steps([group]() noexcept { group->clear(); });
      group->tidy();
      return {};
    });
}

} // namespace troupe
