#pragma once

#include <cstddef>

#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

class shard;
class shard_map;

/// The way to the shards of a memory provider without namespaces, for callers that keep
/// the hit inline (inline_reads.hpp): a key leads to its shard by its hash alone. A copy
/// of what the provider holds, valid as long as that. It needs no header of a table, so
/// that a class can have it as a member at no cost to its users.
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
    return *shards_[shard_bits(key.hash) & mask_];
  }

  /// The answer after the end of the provider. Not inline: each read of each user would
  /// have the making of an error in it.
  [[nodiscard]] expected<bool> stopped() const;

private:
  shard* const* shards_ = nullptr;
  std::size_t mask_ = 0;
  const shard_map* all_ = nullptr;
};

} // namespace troupe::memory
