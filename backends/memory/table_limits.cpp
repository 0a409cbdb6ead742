// The part of a table that keeps its limits: what is charged, and who goes when
// that is too much.

#include <troupe/backends/memory/table.hpp>

#include <algorithm>

namespace troupe::memory {

/// What is charged now, for everybody to see.
void table::publish_charge() noexcept {
  auto& g = newest();
  // The wheel counts by what it needs, not by what it has: that comes in ever
  // larger steps, and an insert should not have to make room for one.
  auto nodes = g.wheel.bytes() == 0
                 ? std::size_t{0}
                 : g.links.bucket_count() * timing_wheel::bytes_per_item;
  charged_.store(live_bytes_.load(std::memory_order_relaxed) + g.links.used() + nodes + g.goes_next.bytes(),
                 std::memory_order_relaxed);
}

/// Whether so many bytes and entries more could be there, the first with a
/// deadline perhaps. Borrows for them.
bool table::fits(std::size_t added, std::size_t freed, std::size_t entries,
                 bool expires) noexcept {
  auto& g = newest();
  // What is replaced keeps its place, and a new one's chain may overflow.
  auto most = charged() + added + entries * bytes_per_bucket;
  if (expires && g.wheel.bytes() == 0)
    most += g.links.bucket_count() * timing_wheel::bytes_per_item;
  // Names of tags took what they need already.
  return bytes_.source().overdraft() == 0
         && bytes_.cover(most - std::min(most, freed))
         && entries_.cover(size_.load(std::memory_order_relaxed) + entries);
}

/// Whether the index may have one more bucket. Where nothing is evicted there must
/// be room for it; without one, chains grow longer.
bool table::may_grow() noexcept {
  if (!limited_ || eviction_ != eviction_policy::none) [[likely]]
    return true;
  publish_charge();
  auto more = newest().links.buckets_per_split() * bytes_per_bucket;
  return bytes_.cover(charged() + more);
}

/// Ends every change that may have made the table larger.
void table::enforce(const entry* spared) noexcept {
  auto& g = newest();
  publish_charge();
  if (limited_ && spared != nullptr && spared->tagged()) [[unlikely]]
    make_up_for_tags();
  auto fits = bytes_.cover(charged());
  fits &= entries_.cover(size_.load(std::memory_order_relaxed));
  if (!fits)
    evict_to_grant(spared);
  else if (full_)
    full_ = !bytes_.roomy(charged())
            || !entries_.roomy(size_.load(std::memory_order_relaxed));
  if (limited_)
    g.goes_next.settle(g.links, full_, charged());
}

/// The names of tags may have taken more than the limit had left: gives back as much
/// of what was lent.
void table::make_up_for_tags() noexcept {
  const auto overdraft = bytes_.source().overdraft();
  if (overdraft > 0)
    bytes_.keep(bytes_.granted() - std::min(bytes_.granted(), overdraft));
}

/// Evicts until what was lent is enough. One entry may be left beyond that: the
/// one that was just stored, as others may have been lent all there is. The
/// region sees the debt and has them yield.
void table::evict_to_grant(const entry* spared) noexcept {
  auto& g = newest();
  for (;;) {
    auto entries = size_.load(std::memory_order_relaxed);
    if (charged() <= bytes_.granted() && entries <= entries_.granted())
      return;
    auto [where, bucket] = g.goes_next.choose(g.links, spared, charged(),
                                              entries);
    if (where.in == nullptr)
      return;
    full_ = true;
    drop(where, removal_cause::size);
    g.links.tidy(bucket);
    shrink();
    add(evictions_, 1);
    publish_charge();
  }
}

void table::set_eviction(eviction_policy x) noexcept {
  eviction_ = x;
  auto& g = newest();
  g.goes_next.set_policy(g.links, x);
  look_at_limits();
  enforce(nullptr);
}

/// Does only what there is a limit for.
void table::look_at_limits() noexcept {
  limited_ = bytes_.limited() || entries_.limited();
  largest_charge_ = bytes_.source().tightest() / options_.shares;
  newest().links.count_uses(limited_ && eviction_ != eviction_policy::none);
}

void table::obey_limits(std::size_t bytes, std::size_t entries) noexcept {
  look_at_limits();
  publish_charge();
  bytes_.keep(std::min(bytes, charged()));
  entries_.keep(std::min(entries, size_.load(std::memory_order_relaxed)));
  evict_to_grant(nullptr);
}

void table::yield_piece() noexcept {
  for (auto* x : {&bytes_, &entries_})
    if (x->can_yield())
      x->keep(x->granted() - x->piece());
  evict_to_grant(nullptr);
}

bool table::held_back_by(std::span<const budget* const> shared) const noexcept {
  auto held = false;
  for (auto* x : {bytes_.refused_by(charged()), entries_.refused_by(size())}) {
    if (x == nullptr)
      continue;
    if (std::find(shared.begin(), shared.end(), x) == shared.end())
      return false;
    held = true;
  }
  return held;
}

} // namespace troupe::memory
