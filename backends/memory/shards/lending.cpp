#include <troupe/backends/memory/shards/lending.hpp>

#include <algorithm>
#include <span>
#include <utility>

#include <troupe/backends/memory/shards/shard.hpp>

namespace troupe::memory {

namespace {

/// The collection that this thread runs (invariant 2).
struct current_collection {
  bool active = false;
  std::size_t overdrawn_inside = 0;
};

thread_local constinit current_collection current;

class collecting_scope {
public:
  collecting_scope() noexcept {
    current = {true, 0};
  }

  ~collecting_scope() {
    current = {};
  }

  collecting_scope(const collecting_scope&) = delete;
  collecting_scope& operator=(const collecting_scope&) = delete;
};

/// Whether this thread already collects; that collection must then continue for `n`
/// more.
bool nested(std::size_t n, yielding how) noexcept {
  if (current.active && how == yielding::all)
    current.overdrawn_inside += n;
  return current.active;
}

/// One collection, over groups of shards.
class collection {
public:
  collection(const budget& from, lent_resource what, std::size_t n,
             const table* asker) noexcept
    : from_(from), what_(what), n_(n), asker_(asker) {
    // nop
  }

  /// The amount still to be collected.
  [[nodiscard]] std::size_t rest() const noexcept {
    return n_ - std::min(n_, came_);
  }

  /// Continues for what other callers' tasks overdrew that ran meanwhile; returns
  /// whether there is any.
  bool go_on() noexcept {
    n_ = std::min(rest() + std::exchange(current.overdrawn_inside, 0),
                  from_.overdrawn());
    came_ = 0;
    return n_ > 0;
  }

  /// What all shards were lent, without what the asker has overdrawn.
  [[nodiscard]] std::size_t lent_before(std::size_t overdraft) const noexcept {
    auto lent = from_.lent();
    if (asker_ != nullptr)
      lent -= std::min(lent, overdraft);
    return std::max<std::size_t>(lent, 1);
  }

  /// The rest is no longer needed.
  void forget_rest() noexcept {
    came_ = n_;
  }

  void take_unspent(std::span<shard* const> group) noexcept {
    for (auto* x : group) {
      if (rest() == 0)
        return;
      if (auto idle = granted(*x) - std::min(granted(*x), used(*x)); idle > 0)
        ask(*x, std::min(idle, rest()), sacrifice::nothing);
    }
  }

  /// Takes from each shard its part of `n`, in proportion to what it was lent of
  /// `lent`, the sum of all.
  void take_parts(std::span<shard* const> group, std::size_t n,
                  std::size_t lent) noexcept {
    for (auto* x : group) {
      if (rest() == 0)
        return;
      auto part = static_cast<double>(granted(*x)) / static_cast<double>(lent)
                  * static_cast<double>(n);
      ask(*x, std::min(static_cast<std::size_t>(part) + 1, rest()),
          sacrifice::proportionate);
    }
  }

  /// Takes from the shard that has most first, and then from the others in their order.
  /// With `sacrifice::proportionate`, shards that have little are left out.
  void take_all(std::span<shard* const> group, sacrifice how) noexcept {
    auto largest
      = std::max_element(group.begin(), group.end(), [this](auto* x, auto* y) {
          return holdings(*x) < holdings(*y);
        });
    auto take = [&](auto first, auto last) {
      for (auto i = first; i != last && rest() > 0; ++i)
        if (how == sacrifice::anything || can_spare(**i, rest()))
          ask(**i, rest(), how);
    };
    take(largest, group.end());
    take(group.begin(), largest);
  }

  /// Makes the busy shards give in their next turn; they pass on to others what they do
  /// not have.
  void ask_for_later(std::span<shard* const> group) noexcept {
    for (auto* x : group) {
      auto n = std::min(rest(), holdings(*x));
      if (n == 0)
        continue;
      x->give_soon(amount(n));
      came_ += n;
    }
  }

private:
  [[nodiscard]] std::size_t granted(const shard& x) const noexcept {
    auto& entries = x.store().entries();
    return what_ == lent_resource::in_bytes ? entries.bytes_granted()
                                            : entries.entries_granted();
  }

  [[nodiscard]] std::size_t used(const shard& x) const noexcept {
    auto& entries = x.store().entries();
    return what_ == lent_resource::in_bytes ? entries.charged()
                                            : entries.size();
  }

  /// What a shard could give, as far as it is visible from outside.
  [[nodiscard]] std::size_t holdings(const shard& x) const noexcept {
    return &x.store().entries() == asker_ ? 0 : granted(x);
  }

  /// Whether the shard holds at least 8 times `n`, or 32 KiB of it.
  [[nodiscard]] bool can_spare(const shard& x, std::size_t n) const noexcept {
    constexpr std::size_t small_part = 8;
    constexpr std::size_t much = 32 * 1024;
    return holdings(x) >= std::min(small_part * n, much);
  }

  [[nodiscard]] table::amounts amount(std::size_t n) const noexcept {
    if (what_ == lent_resource::in_bytes)
      return {n, 0};
    return {0, n};
  }

  void ask(shard& x, std::size_t n, sacrifice how) noexcept {
    if (&x.store().entries() == asker_)
      return;
    // Another thread may collect for the same overdraft: what it got is no longer due.
    if (how != sacrifice::nothing)
      n = std::min(n, from_.overdrawn());
    if (n == 0)
      return;
    auto given = x.try_give(amount(n), how);
    came_ += what_ == lent_resource::in_bytes ? given.bytes : given.entries;
  }

  const budget& from_;
  const lent_resource what_;
  std::size_t n_;
  std::size_t came_ = 0;
  const table* const asker_;
};

constexpr int most_rounds = 16;

/// `for_each(f)` calls `f` for every group of shards.
template <class ForEach>
void collect_by(collection& run, yielding how,
                const ForEach& for_each) noexcept {
  for_each([&](auto group) { run.take_unspent(group); });
  if (how == yielding::in_proportion && run.rest() > 0) {
    auto rest = run.rest();
    auto lent = run.lent_before(rest);
    for_each([&](auto group) { run.take_parts(group, rest, lent); });
  }
  if (how != yielding::all)
    run.forget_rest();
  // Once, and again when tasks of other callers that ran meanwhile require more. After
  // the last round the rest is left to the rebalancer.
  for (int i = 0; i < most_rounds && (run.rest() > 0 || run.go_on()); ++i) {
    for (auto what : {sacrifice::proportionate, sacrifice::anything})
      for_each([&](auto group) { run.take_all(group, what); });
    if (run.rest() > 0 && run.go_on())
      for_each([&](auto group) { run.ask_for_later(group); });
  }
}

/// Shards among which the one that holds most is searched.
constexpr std::size_t group_size = 64;

/// Calls `f` for groups of `all`, from position `first` on in a circle.
template <class F>
void by_groups(std::span<shard* const> all, std::size_t first, const F& f) {
  auto in_groups = [&f](std::span<shard* const> x) {
    for (; !x.empty(); x = x.subspan(std::min(group_size, x.size())))
      f(x.first(std::min(group_size, x.size())));
  };
  first = all.size() <= group_size ? 0 : first % all.size();
  in_groups(all.subspan(first));
  in_groups(all.first(first));
}

} // namespace

void shard_lender::collect(const budget& from, std::size_t n, yielding how,
                           const table* asker) noexcept {
  if (nested(n, how))
    return;
  collecting_scope scope;
  collection run{from, what_, n, asker};
  auto first = turn_.fetch_add(group_size, std::memory_order_relaxed);
  collect_by(run, how,
             [&](const auto& f) { by_groups(all_.made(), first, f); });
}

void region_lender::add(const std::shared_ptr<const shard_list>& which) {
  std::lock_guard guard{mutex_};
  // Expired entries make room before the list grows.
  if (all_.size() == all_.capacity())
    std::erase_if(all_, [](auto& x) { return x.expired(); });
  all_.push_back(which);
}

std::vector<std::shared_ptr<const shard_list>> region_lender::members() const {
  std::vector<std::shared_ptr<const shard_list>> result;
  std::lock_guard guard{mutex_};
  for (const auto& x : all_)
    if (auto one = x.lock())
      result.push_back(std::move(one));
  return result;
}

void region_lender::collect(const budget& from, std::size_t n, yielding how,
                            const table* asker) noexcept {
  if (nested(n, how))
    return;
  collecting_scope scope;
  collection run{from, lent_resource::in_bytes, n, asker};
  auto first = turn_.fetch_add(1, std::memory_order_relaxed);
  // The mutex is not held while shards are asked: this thread may release a region's
  // last reference.
  auto at = [&](std::size_t i) -> std::shared_ptr<const shard_list> {
    std::lock_guard guard{mutex_};
    return i < all_.size() ? all_[(first + i) % all_.size()].lock() : nullptr;
  };
  auto count = [&] {
    std::lock_guard guard{mutex_};
    return all_.size();
  };
  collect_by(run, how, [&](const auto& f) {
    for (std::size_t i = 0, size = count(); i < size && run.rest() > 0; ++i)
      if (auto one = at(i))
        by_groups(one->made(), first, f);
  });
}

} // namespace troupe::memory
