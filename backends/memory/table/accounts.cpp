#include <troupe/backends/memory/table/accounts.hpp>

#include <algorithm>
#include <chrono>

#include <troupe/backends/memory/space/large_block.hpp>

namespace troupe::memory {

table_accounts::charges
table_accounts::charges_with(const position& where, bytes_view key,
                             const entry_attributes& with,
                             std::size_t value_bytes) noexcept {
  return charges_of(where, entry::large_size(key.size(), with), value_bytes);
}

occupancy table_accounts::occupied_by(const hashed_key& key) noexcept {
  const auto where = locate(key);
  if (where.item == nullptr)
    return {};
  auto& item = *where.item;
  occupancy result{.charge = footprint(item), .linked = true};
  if (dead(item))
    return result;
  result.live = true;
  result.value_size = item.value_size();
  result.expires = item.has_deadline();
  result.idles = item.slides();
  result.tail_bytes = item.tail_size();
  return result;
}

std::size_t table_accounts::charge_of(std::size_t key_size,
                                      const occupancy& what,
                                      std::size_t block) noexcept {
  entry_attributes with;
  if (what.expires)
    with.deadline = time_point{};
  if (what.idles)
    with.idle = std::chrono::nanoseconds{1};
  const auto size = what.value_size;
  if (size <= largest_inline)
    return slab::footprint(entry::whole_size(
      entry::block_size(key_size, size, with), what.tail_bytes));
  return slab::footprint(entry::whole_size(entry::large_size(key_size, with),
                                           what.tail_bytes))
         + std::max(block, large_block::footprint_of(size, size));
}

bool table_accounts::admits(std::size_t charge) const noexcept {
  return !limited_
         || charge + buckets_per_put * sizeof(bucket) <= largest_charge_;
}

/// Publishes the present charge for other threads.
void table_accounts::publish_charge() noexcept {
  auto& g = newest();
  // The wheel is charged for what it needs, not for what it has: its memory grows in
  // ever larger steps, and an insert should not have to make room for one.
  auto nodes = g.wheel.bytes() == 0
                 ? std::size_t{0}
                 : g.links.bucket_count() * timing_wheel::bytes_per_item;
  charged_.store(live_bytes_.load(std::memory_order_relaxed) + g.links.used()
                   + nodes + g.goes_next.bytes(),
                 std::memory_order_relaxed);
}

/// Turns a new entry's hold into one of the slab's; the block counts one more key.
void table_accounts::take_hold(entry& x, std::size_t bytes) noexcept {
  newest().blocks.hold(x.hold(), bytes);
  x.hold().block->count_key(true);
}

/// Another entry counts for the value from now on; returns its bytes.
std::size_t table_accounts::hand_over(entry& x) noexcept {
  const auto result = x.hold().bytes;
  newest().blocks.hand_over(x.hold());
  return result;
}

namespace {

/// The event of a removal, for an entry that lived until then.
constexpr key_event_kind event_of(removal_cause x) noexcept {
  switch (x) {
    case removal_cause::size:
      return key_event_kind::evicted;
    case removal_cause::expired:
      return key_event_kind::expired;
    case removal_cause::tag:
      return key_event_kind::tag_invalidated;
    case removal_cause::cleared:
      return key_event_kind::cleared;
    default:
      return key_event_kind::erased;
  }
}

} // namespace

/// Unlinks an entry; the index may then be too large.
void table_accounts::drop(index_slot where, removal_cause cause) noexcept {
  auto& g = newest();
  auto& item = *where.item();
  tell(item, cause);
  record_removal(item, event_of(cause));
  auto bytes = footprint(item);
  g.goes_next.removed(where, bytes);
  index::unlink(where);
  add(size_, ~std::size_t{0});
  add(live_bytes_, -bytes);
  retire(item, bytes);
}

/// For an entry that was dead already, reports what killed it, whatever removes it now.
/// A cached absence was never a value, so its end is not reported.
void table_accounts::tell_sink(const entry& x, removal_cause cause) noexcept {
  if (x.absence())
    return;
  if (x.expires() && x.expired(time_.now()))
    cause = removal_cause::expired;
  else if (x.tagged() && killed(x))
    cause = removal_cause::tag;
  removals_.removed(x.key(), x.value(), cause);
}

/// Records the removal of an entry. For an entry that was dead already, records what
/// killed it, and of an expired one the time of that.
void table_accounts::record_removal(const entry& x,
                                    key_event_kind kind) noexcept {
  event_ring::event what{kind, kind, version_, time_.coarse(), x.key()};
  if (!x.bare()) {
    if (const auto deadline = x.deadline(); deadline <= what.at) {
      what.kind = what.cause = key_event_kind::expired;
      what.at = deadline;
    } else if (x.tagged() && killed(x)) {
      what.kind = what.cause = key_event_kind::tag_invalidated;
      what.name = forgotten_.tags().killing_name(x.born(), x.tags());
    }
  }
  events_.add(what);
}

/// Frees an unlinked entry's block of `bytes` once no reader sees it.
void table_accounts::retire(entry& x, std::size_t bytes) noexcept {
  count(x, false);
  if (x.large()) [[unlikely]]
    x.hold().block->count_key(false);
  retired_.retire(&x, bytes);
}

void table_accounts::count_attributes(const entry& x, bool in) noexcept {
  if (x.slides()) [[unlikely]] {
    add(expiring_, one_if(in));
    auto& slide = x.sliding();
    newest().add_sliding(in ? sliding_deadline::move{{}, slide.deadline()}
                            : sliding_deadline::move{slide.settle(), {}});
  } else {
    count_deadline(x, in);
  }
  if (x.tagged()) [[unlikely]] {
    add(tagged_, one_if(in));
    if (in)
      forgotten_.tags().use_again(x.tags());
    else
      forgotten_.tags().release(x.tags());
  }
}

/// Splits a bucket when the load requires it.
void table_accounts::grow() noexcept {
  auto& g = newest();
  // Both buckets are due when the old one was; that must not need memory then.
  if (g.wheel.bytes() != 0 && !g.wheel.reach(g.links.bucket_count()))
    return;
  auto split = g.links.grow(size_.load(std::memory_order_relaxed));
  if (!split)
    return;
  g.wheel.copy(split->kept, split->other);
}

/// Merges a bucket into another when the load allows it.
void table_accounts::shrink() noexcept {
  auto& g = newest();
  auto merged = g.links.shrink(size_.load(std::memory_order_relaxed));
  if (!merged)
    return;
  if (merged->kept < g.reclaim_bucket)
    g.reclaim_again = true;
  g.wheel.copy(merged->other, merged->kept);
  g.wheel.cancel(merged->other);
  g.wheel.trim(g.links.bucket_count());
}

} // namespace troupe::memory
