#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/memory/shards/direct_reads.hpp>
#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/backends/memory/shards/shard_map.hpp>
#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// `provider::read` as a template. `Shards`: `shard_map`, or `direct_reads` that are
/// usable.
template <class Shards, class F>
[[gnu::always_inline]] inline expected<bool>
visit(const Shards& from, const hashed_key& key, F&& f, lookup as) {
  const auto& store = from.owner(key).store();
  if (store.read(key, std::forward<F>(f), as)) [[likely]]
    return true;
  // Checked on misses only, so that a hit does not pay for the end of a region.
  if (store.stopped()) [[unlikely]]
    return from.stopped();
  return false;
}

/// The bytes of a key, which is given with or without its hash.
template <class Key>
[[nodiscard]] bytes_view bytes_of(const Key& x) noexcept {
  if constexpr (std::is_same_v<Key, hashed_key>)
    return x.key;
  else
    return x;
}

/// Like `provider::read_many`, for keys with or without their hashes. In three passes,
/// so that the cache misses of a group overlap: first the buckets, then the entries,
/// then the reads.
template <class Keys, class F>
expected<void> visit_many(const shard_map& all, const Keys& keys, F& f,
                          lookup as) {
  constexpr auto group_size = provider::prefetched_keys;
  // Not initialised: a small batch would pay for the size of a large one.
  std::array<std::uint64_t, group_size> hashes;
  std::array<const store*, group_size> where;
  epoch_guard guard;
  for (std::size_t start = 0; start < keys.size(); start += group_size) {
    const auto size = std::min(group_size, keys.size() - start);
    for (std::size_t i = 0; i < size; ++i) {
      const hashed_key key = keys[start + i];
      hashes[i] = key.hash;
      where[i] = &all.owner(key).store();
      where[i]->prefetch_bucket(key.hash);
    }
    for (std::size_t i = 0; i < size; ++i)
      where[i]->prefetch_entry(hashes[i]);
    for (std::size_t i = 0; i < size; ++i) {
      auto found = where[i]->read(
        hashed_key{bytes_of(keys[start + i]), hashes[i]},
        [&](const entry_view& x) { f(start + i, &x); }, as);
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
