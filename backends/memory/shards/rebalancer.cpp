#include <troupe/backends/memory/shards/rebalancer.hpp>

namespace troupe::memory {

namespace {

/// Shards that evict this many more in a period than another, and twice as many, have
/// too little; smaller differences are chance.
constexpr std::uint64_t tolerance = 16;

struct figures {
  shard* where;
  std::uint64_t evictions; ///< Since the last look.
  bool wants;              ///< These budgets limit it.
  bool can_yield;
};

/// The shard that needs a piece most, or nullptr.
const figures* neediest(const std::vector<figures>& all) {
  const figures* result = nullptr;
  for (auto& x : all)
    if (x.wants && (result == nullptr || result->evictions < x.evictions))
      result = &x;
  return result;
}

/// The shard that can best spare a piece, or nullptr.
const figures* calmest(const std::vector<figures>& all) {
  const figures* result = nullptr;
  for (auto& x : all)
    if (x.can_yield && (result == nullptr || x.evictions < result->evictions))
      result = &x;
  return result;
}

} // namespace

void rebalancer::look(std::span<shard* const> shards,
                      std::span<const budget* const> shared) {
  // Capacity that busy shards could not give. An overdraft that is seen in two looks
  // does not belong to a shard that is collecting for it now.
  for (auto* x : shared) {
    x->settle(yielding::in_proportion);
    if (overdrawn_.erase(x) > 0)
      x->settle(yielding::all);
    if (x->overdrawn() > 0)
      overdrawn_.insert(x);
  }
  std::vector<figures> all;
  all.reserve(shards.size());
  for (auto* x : shards) {
    auto& entries = x->store().entries();
    auto& before = evicted_[x->number()];
    auto now = entries.evictions();
    all.push_back(
      {x, now - before, entries.held_back_by(shared), entries.can_yield()});
    before = now;
  }
  auto* takes = neediest(all);
  auto* gives = calmest(all);
  if (takes == nullptr || gives == nullptr || gives->where == takes->where)
    return;
  // A busy shard yields another time.
  if (takes->evictions > 2 * gives->evictions + tolerance)
    static_cast<void>(gives->where->yield_piece());
}

} // namespace troupe::memory
