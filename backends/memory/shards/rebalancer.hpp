#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include <troupe/backends/memory/shards/shard.hpp>

namespace troupe::memory {

/// Moves capacity from shards that evict little to shards that evict much, a piece at a
/// time, so that a limit is spent where it is needed: all shards come to evict about
/// equally often, as one large cache would. The overdrawn amount of a budget comes
/// first; it remains when the shards that should have returned it were busy. Not
/// thread-safe.
class rebalancer {
public:
  /// Checks the shards that share these budgets. At most one of them yields a piece,
  /// for a shard that is limited by these budgets and not by a narrower limit of its
  /// own. Linear in the number of shards.
  void look(std::span<shard* const> shards,
            std::span<const budget* const> shared);

private:
  /// The evictions of each shard at the last look, by number.
  std::unordered_map<std::uint64_t, std::uint64_t> evicted_;

  /// The budgets that were still overdrawn after the last look.
  std::unordered_set<const budget*> overdrawn_;
};

} // namespace troupe::memory
