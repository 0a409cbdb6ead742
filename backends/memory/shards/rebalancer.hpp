#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include <troupe/backends/memory/shards/shard.hpp>

namespace troupe::memory {

/// Moves what shards were lent from those that evict little to those that evict
/// much, a piece at a time, so that a limit is spent where it is needed: all
/// shards come to evict about equally often, as one large cache would. What a budget
/// is overdrawn by (as the shards that should have given it back were busy) comes
/// first. Not thread-safe.
class rebalancer {
public:
  /// Looks at shards that share these budgets, and has at most one of them yield
  /// a piece, for one that these budgets hold back and no narrower limit of its
  /// own. Linear in the number of shards.
  void look(std::span<shard* const> shards,
            std::span<const budget* const> shared);

private:
  /// What the shards had evicted when they were looked at last, by number.
  std::unordered_map<std::uint64_t, std::uint64_t> evicted_;

  /// The budgets that were overdrawn still after the last look.
  std::unordered_set<const budget*> overdrawn_;
};

} // namespace troupe::memory
