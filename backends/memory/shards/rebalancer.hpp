#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>

#include <troupe/backends/memory/shards/shard.hpp>

namespace troupe::memory {

/// Moves capacity from shards that evict little to shards that evict much, a piece at a
/// time, so that a limit is spent where it is needed: all shards come to evict about
/// equally often, as one large cache would. The overdrawn amount of a budget comes
/// first; it remains when the shards that should have returned it were busy. Not
/// thread-safe.
class rebalancer {
public:
  /// Checks the shards that share these budgets, `entries` perhaps nullptr. At most one
  /// of them yields a piece, for a shard that is limited by these budgets and not by a
  /// narrower limit of its own. Linear in the number of shards.
  void look(std::span<shard* const> shards, const budget& bytes,
            const budget* entries);

private:
  /// Makes the shards return what the budget is overdrawn by, as far as that was seen
  /// in two looks, and is more than `credit`: another may be one that a shard
  /// is collecting for now, or a move's, which must not lead to an eviction.
  void settle(const budget& which, std::size_t credit);

  /// The evictions of each shard at the last look, by number.
  std::unordered_map<std::uint64_t, std::uint64_t> evicted_;

  /// By how much each budget was still overdrawn after the last look.
  std::unordered_map<const budget*, std::size_t> overdrawn_;
};

} // namespace troupe::memory
