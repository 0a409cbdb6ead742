#include <troupe/backends/memory/shards/rebalancer.hpp>

#include <algorithm>
#include <vector>

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

void rebalancer::settle(const budget& which, std::size_t credit) {
  which.settle(yielding::unspent);
  const auto now = which.overdrawn();
  auto& before = overdrawn_[&which];
  if (std::min(before, now) > credit)
    which.settle();
  before = which.overdrawn();
}

void rebalancer::look(std::span<shard* const> shards, const budget& bytes,
                      const budget* entries) {
  const auto shared = entries == nullptr
                        ? std::vector<const budget*>{&bytes}
                        : std::vector<const budget*>{&bytes, entries};
  settle(bytes, table::credit_of_moves);
  if (entries != nullptr)
    settle(*entries, 0);
  std::vector<figures> all;
  all.reserve(shards.size());
  for (auto* x : shards) {
    auto& table = x->store().entries();
    auto& before = evicted_[x->number()];
    auto now = table.evictions();
    all.push_back(
      {x, now - before, table.held_back_by(shared), table.can_yield()});
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
