#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/backends/memory/shards/shard_map.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// Reads of a memory provider without namespaces, for callers that keep the hit inline:
/// a key leads to its shard by its hash alone. A copy of what the provider holds, valid
/// as long as that.
class direct_reads {
public:
  /// Not usable.
  direct_reads() = default;

  explicit direct_reads(const shard_map& all) noexcept
    : shards_(all.divided() ? nullptr : all.slots()),
      mask_(all.size() - 1),
      all_(&all) {
    // nop
  }

  [[nodiscard]] bool usable() const noexcept {
    return shards_ != nullptr;
  }

  /// As `memory_provider::visit`.
  template <class F>
  [[gnu::always_inline]] expected<bool> visit(const hashed_key& key, F&& f,
                                              lookup as) const {
    const auto& store = shards_[shard_bits(key.hash) & mask_]
                          .load(std::memory_order_acquire)
                          ->store();
    if (store.read(key, std::forward<F>(f), as)) [[likely]]
      return true;
    // Asked by misses alone, so that the end of a region costs a hit nothing.
    if (store.stopped()) [[unlikely]]
      return stopped_read();
    return false;
  }

private:
  /// Not inline: each read of each user would have the making of an error in it.
  [[nodiscard]] expected<bool> stopped_read() const;

  const std::atomic<shard*>* shards_ = nullptr;
  std::size_t mask_ = 0;
  const shard_map* all_ = nullptr;
};

} // namespace troupe::memory
