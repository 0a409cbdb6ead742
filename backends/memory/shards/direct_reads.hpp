#pragma once

#include <atomic>
#include <cstddef>

#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

class shard;
class shard_map;

/// Finds the shards of a memory provider without namespaces, for callers that inline
/// the hit (inline_reads.hpp): the hash alone determines a key's shard. A copy of the
/// provider's data, valid as long as the provider. It needs no header of a table, so
/// that a class can have it as a member without including one.
class direct_reads {
public:
  /// Not usable.
  direct_reads() = default;

  /// Not usable when there are namespaces.
  explicit direct_reads(const shard_map& all) noexcept;

  [[nodiscard]] bool usable() const noexcept {
    return shards_ != nullptr;
  }

  /// The shard of a key. Precondition: usable.
  [[nodiscard]] shard& owner(const hashed_key& key) const noexcept {
    return *shards_[shard_bits(key.hash) & mask_].load(
      std::memory_order_acquire);
  }

  /// The result after the provider has stopped. Not inline: every inlined read would
  /// contain the code that makes an error.
  [[nodiscard]] expected<bool> stopped() const;

private:
  const std::atomic<shard*>* shards_ = nullptr;
  std::size_t mask_ = 0;
  const shard_map* all_ = nullptr;
};

} // namespace troupe::memory
