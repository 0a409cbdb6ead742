#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/backends/memory/shards/shard_map.hpp>
#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// As `provider::read_many`, for keys with or without their hashes. In three passes, so
/// that the misses of a whole group are in flight together: first the buckets, then the
/// entries, then the reads.
template <class Keys, class F>
expected<void> visit_many(const shard_map& all, const Keys& keys, F& f,
                          lookup as) {
  constexpr auto group_size = provider::prefetched_keys;
  std::array<hashed_key, group_size> group;
  std::array<const store*, group_size> where;
  epoch_guard guard;
  for (std::size_t start = 0; start < keys.size(); start += group_size) {
    const auto size = std::min(group_size, keys.size() - start);
    for (std::size_t i = 0; i < size; ++i) {
      group[i] = keys[start + i];
      where[i] = &all.owner(group[i]).store();
      where[i]->prefetch_bucket(group[i].hash);
    }
    for (std::size_t i = 0; i < size; ++i)
      where[i]->prefetch_entry(group[i].hash);
    for (std::size_t i = 0; i < size; ++i) {
      auto found = where[i]->read(
        group[i], [&](const entry_view& x) { f(start + i, &x); }, as);
      if (found)
        continue;
      if (where[i]->stopped()) [[unlikely]]
        return all.stopped();
      f(start + i, static_cast<const entry_view*>(nullptr));
    }
  }
  return {};
}

} // namespace troupe::memory
