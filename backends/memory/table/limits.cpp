// The part of a table that obeys its limits: it borrows for what is charged, and evicts
// entries where that is not enough.

#include <troupe/backends/memory/table/table.hpp>

#include <algorithm>
#include <utility>

namespace troupe::memory {

namespace {

/// An entry is large when it lacks more than this part of what the shard otherwise has:
/// the shard would lose a quarter of its entries for it. Below this many bytes the
/// parts of the shards would be less than an entry each.
constexpr std::size_t large_share = 4;
constexpr std::size_t least_large = 4096;

/// A shard stops giving after this many successive entries that are too large.
constexpr int most_kept = 4;

/// Whether an entry of `size` bytes is too large to be evicted for `lack` bytes.
/// Without this bound a shard with one huge entry would lose it for its part of a small
/// one.
bool out_of_all_proportion(std::size_t size, std::size_t lack) noexcept {
  constexpr std::size_t most_times = 8;
  return size >= least_large && size / most_times > lack;
}

} // namespace

/// Whether the limits allow this many more bytes and entries, the first entry perhaps
/// with a deadline. Borrows for them.
bool table::fits(std::size_t added, std::size_t freed, std::size_t entries,
                 bool expires) noexcept {
  auto& g = newest();
  // A replaced entry keeps its slot; a new entry's chain may overflow.
  auto most = charged() + added + entries * bytes_per_bucket;
  if (expires && g.wheel.bytes() == 0)
    most += g.links.bucket_count() * timing_wheel::bytes_per_item;
  auto bytes = most - std::min(most, freed);
  return has_room(bytes, size_.load(std::memory_order_relaxed) + entries);
}

/// Whether the limits allow this many bytes and entries in total. Borrows for them.
bool table::has_room(std::size_t bytes, std::size_t entries) noexcept {
  // Names of tags may have overdrawn the budget. What was reserved before is available.
  if (auto& from = bytes_.source(); from.most_overdrawn() > 0 && !reserved_)
    [[unlikely]] {
    from.collect(from.most_overdrawn(), 0, yielding::unspent, this);
    if (from.most_overdrawn() > 0)
      return false;
  }
  if (bytes_.cover(bytes) && entries_.cover(entries)) [[likely]]
    return true;
  return borrow_from_others(bytes, entries, yielding::unspent);
}

/// Whether the index may have one more bucket. Where nothing is evicted there must be
/// room for it; without it, chains grow longer.
bool table::may_grow() noexcept {
  if (!limited_ || eviction_ != eviction_policy::none) [[likely]]
    return true;
  if (reserved_)
    return false;
  publish_charge();
  auto more = newest().links.buckets_per_split() * bytes_per_bucket;
  return bytes_.cover(charged() + more);
}

bool table::reserve(const demand& coming) noexcept {
  if (!limited_ || eviction_ != eviction_policy::none)
    return true;
  publish_charge();
  auto& g = newest();
  auto bytes = charged() + coming.bytes() + coming.places() * bytes_per_bucket;
  if (coming.expires() && g.wheel.bytes() == 0)
    bytes += g.links.bucket_count() * timing_wheel::bytes_per_item;
  const auto entries = size_.load(std::memory_order_relaxed) + coming.entries();
  reserved_ = has_room(bytes, entries);
  // The capacity that it was lent beyond that is for the other shards of the turn.
  if (reserved_) {
    bytes_.keep(bytes);
    entries_.keep(entries);
  }
  return reserved_;
}

void table::end_reservation() noexcept {
  if (!std::exchange(reserved_, false))
    return;
  // The index grows with each insert, except for reserved ones.
  for (auto more = true; more && may_grow();) {
    const auto before = newest().links.bucket_count();
    grow();
    more = newest().links.bucket_count() > before;
  }
  publish_charge();
}

/// The last step of every change that may have made the table larger.
void table::enforce(const entry* spared) noexcept {
  auto& g = newest();
  publish_charge();
  if (limited_ && spared != nullptr && spared->tagged()) [[unlikely]]
    make_up_for_tags();
  auto fits = bytes_.cover(charged());
  fits &= entries_.cover(size_.load(std::memory_order_relaxed));
  if (!fits)
    make_room(spared);
  else if (full_)
    full_ = !bytes_.roomy(charged())
            || !entries_.roomy(size_.load(std::memory_order_relaxed));
  if (limited_)
    g.goes_next.settle(g.links, full_, charged());
}

/// The names of tags may have taken more than the limit had left: all shards return
/// their part of it, and this one the rest.
void table::make_up_for_tags() noexcept {
  const auto& from = bytes_.source();
  if (from.most_overdrawn() == 0)
    return;
  from.collect(from.most_overdrawn(), 0, yielding::in_proportion, this);
  bytes_.give_up(std::min(bytes_.granted(), from.most_overdrawn()));
}

/// Covers what the table holds with what it was lent, when the budgets have no more to
/// lend. A table that becomes full first takes what other shards do not use. A table
/// that stored a large entry makes all shards give room for it, each its part. This
/// table evicts for the rest; without another entry to evict it takes the rest from the
/// other shards in any case.
void table::make_room(const entry* spared) noexcept {
  if (eviction_ == eviction_policy::none)
    return;
  auto entries = size_.load(std::memory_order_relaxed);
  auto missing = bytes_.lack(charged());
  auto large
    = missing >= least_large && missing > (charged() - missing) / large_share;
  if ((large || !full_)
      && borrow_from_others(charged(), entries,
                            large ? yielding::in_proportion
                                  : yielding::unspent))
    return;
  evict_to_grant(spared);
  // The room that a large entry leaves is for all shards.
  if (bytes_.lent_beyond(charged()) > charged()) [[unlikely]]
    bytes_.return_spare(charged());
  if (!covered())
    borrow_from_others(charged(), size_.load(std::memory_order_relaxed),
                       yielding::all);
}

/// Overdraws the budgets for what `bytes` and `entries` lack, and makes other shards
/// return it. What they do not return is given up, except with `yielding::all`: then
/// other shards are about to return it, and all that share the budget know. Returns
/// whether all is lent.
bool table::borrow_from_others(std::size_t bytes, std::size_t entries,
                               yielding how) noexcept {
  auto all = true;
  auto borrow = [&](allowance& x, std::size_t used) {
    auto missing = x.lack(used);
    if (missing == 0)
      return;
    x.overdraw(used);
    // Unused capacity of others is collected in pieces, as it is lent. A table that
    // makes others evict also settles what is overdrawn otherwise, so that it does not
    // stay.
    x.source().collect(how == yielding::all ? 2 * missing : missing,
                       how == yielding::unspent ? x.piece() : 0, how, this);
    if (how == yielding::all)
      return;
    auto rest = std::min(missing, x.source().most_overdrawn());
    x.give_up(rest);
    all = all && rest == 0;
  };
  borrow(bytes_, bytes);
  borrow(entries_, entries);
  return all;
}

/// Borrows for what it could not evict, because it is present. Where nothing is evicted
/// it does not borrow: an erase then makes no room for other entries.
void table::cover_rest() noexcept {
  if (eviction_ == eviction_policy::none)
    return;
  bytes_.overdraw(charged());
  entries_.overdraw(size_.load(std::memory_order_relaxed));
}

/// Evicts until what was lent is enough, or only `spared` is left.
void table::evict_to_grant(const entry* spared) noexcept {
  evict_to({bytes_.granted(), entries_.granted()}, sacrifice::anything, spared);
}

/// Evicts until at most `most` is left, or only `spared`, or only entries that are too
/// large for `how`.
void table::evict_to(amounts most, sacrifice how,
                     const entry* spared) noexcept {
  auto& g = newest();
  auto patience = most_kept;
  while (how != sacrifice::nothing) {
    auto entries = size_.load(std::memory_order_relaxed);
    auto lack = charged() - std::min(charged(), most.bytes);
    if (lack == 0 && entries <= most.entries)
      return;
    auto [where, bucket]
      = g.goes_next.choose(g.links, spared, charged(), entries);
    if (where.in == nullptr)
      return;
    if (how == sacrifice::proportionate && entries <= most.entries
        && out_of_all_proportion(footprint(*where.item()), lack)) {
      g.goes_next.keep(where);
      if (--patience == 0)
        return;
      continue;
    }
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

/// Checks only the amounts that have a limit.
void table::look_at_limits() noexcept {
  limited_ = bytes_.limited() || entries_.limited();
  largest_charge_ = bytes_.source().tightest() / 2;
  newest().links.count_uses(limited_ && eviction_ != eviction_policy::none);
}

void table::obey_limits(std::size_t bytes, std::size_t entries) noexcept {
  look_at_limits();
  publish_charge();
  // The table keeps capacity that it does not use: a ghost may need it now, and it is
  // collected first.
  if (bytes < charged())
    bytes_.keep(bytes);
  if (entries < size_.load(std::memory_order_relaxed))
    entries_.keep(entries);
  evict_to_grant(nullptr);
  cover_rest();
}

void table::yield_piece() noexcept {
  publish_charge();
  auto without_piece = [](const allowance& x) {
    return x.can_yield() ? x.granted() - x.piece() : x.granted();
  };
  const amounts most{without_piece(bytes_), without_piece(entries_)};
  evict_to(most, sacrifice::proportionate, nullptr);
  publish_charge();
  bytes_.keep(std::max(most.bytes, charged()));
  entries_.keep(std::max(most.entries, size_.load(std::memory_order_relaxed)));
  cover_rest();
}

void table::give(amounts most, sacrifice how) noexcept {
  publish_charge();
  if (reserved_)
    return;
  auto without = [](const allowance& x, std::size_t n) {
    return x.granted() - std::min(n, x.granted());
  };
  const amounts left{without(bytes_, most.bytes),
                     without(entries_, most.entries)};
  evict_to(left, how, nullptr);
  // The choice may need memory, too, for ghosts.
  publish_charge();
  auto give_up = [](allowance& x, std::size_t used, std::size_t n) {
    x.give_up(x.lent_beyond(std::max(used, n)));
  };
  give_up(bytes_, charged(), left.bytes);
  give_up(entries_, size_.load(std::memory_order_relaxed), left.entries);
  if (how != sacrifice::nothing)
    cover_rest();
}

void table::pass_on(amounts most) noexcept {
  auto collect = [this](const budget& from, std::size_t n) {
    if (n > 0)
      from.collect(n, 0, yielding::all, this);
  };
  collect(bytes_.source(), most.bytes);
  collect(entries_.source(), most.entries);
}

} // namespace troupe::memory
