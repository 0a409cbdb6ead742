#include <troupe/actors/rebalancer.hpp>

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// Shards that evict this many more in a period than another, and twice as much,
/// have too little; less is chance.
constexpr std::uint64_t tolerance = 16;

struct figures {
  shard* where;
  std::uint64_t evictions; ///< Since the last look.
  bool in_debt;
  bool can_yield;
};

} // namespace

void rebalancer::look(const std::vector<shard*>& shards) {
  std::vector<figures> all;
  all.reserve(shards.size());
  for (auto* x : shards) {
    auto& entries = x->store().entries();
    auto& before = evicted_[x->number()];
    auto now = entries.evictions();
    all.push_back(
      {x, now - before, entries.in_debt(), entries.can_yield()});
    before = now;
  }
  auto needs_most = std::max_element(
    all.begin(), all.end(), [](const figures& x, const figures& y) {
      return std::pair{x.in_debt, x.evictions}
             < std::pair{y.in_debt, y.evictions};
    });
  if (needs_most == all.end())
    return;
  figures* gives = nullptr;
  for (auto& x : all)
    if (x.can_yield && !x.in_debt
        && (gives == nullptr || x.evictions < gives->evictions))
      gives = &x;
  if (gives == nullptr || gives->where == needs_most->where)
    return;
  // A busy shard yields another time.
  if (needs_most->in_debt
      || needs_most->evictions > 2 * gives->evictions + tolerance)
    static_cast<void>(gives->where->yield_piece());
}

} // namespace troupe
