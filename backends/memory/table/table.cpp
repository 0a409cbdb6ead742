#include <troupe/backends/memory/table/table.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace troupe::memory {

table::table(const table_options& options) : table_accounts(options) {
  look_at_limits();
  enforce(nullptr);
}

/// Whether the limits allow it, where eviction does not enforce them.
[[gnu::always_inline]] inline put_result
table::admit(const charges& x, const position& where,
             const entry_attributes& with) noexcept {
  if (!limited_)
    return put_result::done;
  if (x.all + buckets_per_put * sizeof(bucket) > largest_charge_) [[unlikely]]
    return put_result::too_large;
  if (eviction_ == eviction_policy::none
      && !fits(x.all, x.replaced, where.item == nullptr ? 1 : 0,
               with.expiry() != never)) [[unlikely]]
    return put_result::no_room;
  return put_result::done;
}

/// Makes an entry and links it without regard to the limits. On success, the entry of a
/// large value takes the hold of `block` that the caller has counted.
[[gnu::always_inline]] inline put_result
table::link(const position& where, const hashed_key& key, bytes_view value,
            large_block* block, const entry_attributes& with, const charges& x,
            bool announced, entry*& item) noexcept {
  auto& g = newest();
  // A bucket may be checked earlier than needed.
  if (with.expiry() != never
      && !g.wheel.schedule(g.links.number_of(key.hash), with.usable_until()))
    return put_result::no_memory;
  auto* memory = g.blocks.allocate(x.size);
  if (memory == nullptr)
    return put_result::no_memory;
  item = block == nullptr
           ? entry::make(memory, key.key, value, version_ + 1, with)
           : entry::make_large(memory, key.key, *block, value.size(),
                               version_ + 1, with);
  // Before readers see it: they may postpone its deadline at once.
  count(*item, true);
  auto slot = g.links.link(where, key.hash, item);
  if (!slot) {
    count(*item, false);
    g.blocks.deallocate(memory, x.size);
    return put_result::no_memory;
  }
  ++version_;
  if (block != nullptr)
    take_hold(*item, x.all - x.block);
  if (where.item != nullptr) {
    g.goes_next.replaced(*slot, x.replaced, x.all);
    if (announced)
      tell(*where.item, removal_cause::replaced);
    auto freed = x.replaced;
    if (block != nullptr && where.item->large()
        && where.item->hold().block == block)
      freed -= hand_over(*where.item);
    retire(*where.item, freed);
    add(live_bytes_, x.all - x.replaced);
  } else {
    add(size_, 1);
    add(live_bytes_, x.all);
    if (limited_)
      g.goes_next.added(*slot, key.hash, x.all);
  }
  return put_result::done;
}

[[gnu::always_inline]] inline put_result
table::place(const position& where, const hashed_key& key, bytes_view value,
             large_block* block, const entry_attributes& with,
             bool announced) noexcept {
  auto& g = newest();
  const auto x
    = block == nullptr
        ? charges_of(where,
                     entry::block_size(key.key.size(), value.size(), with), 0)
        : charges_of(where, entry::large_size(key.key.size(), with),
                     block->footprint(value.size()));
  if (auto why = admit(x, where, with); why != put_result::done) [[unlikely]]
    return why;
  const auto timed = g.wheel.bytes() != 0;
  entry* item = nullptr;
  if (auto why = link(where, key, value, block, with, x, announced, item);
      why != put_result::done) [[unlikely]]
    return why;
  if (where.item != nullptr) {
    // Mostly the charge has not grown, and no limit must be enforced.
    if (x.all == x.replaced && timed == (g.wheel.bytes() != 0) && !in_debt())
      [[likely]]
      return put_result::done;
  } else if (may_grow()) {
    grow();
  }
  enforce(item);
  if (g.blocks.pressed()) [[unlikely]]
    compact_for(x.block);
  return put_result::done;
}

put_result table::put(const position& where, const hashed_key& key,
                      bytes_view value, const entry_attributes& with,
                      value_buffer* gathered) noexcept {
  if (value.size() > largest_inline) [[unlikely]]
    return put_large(where, key, value, with, gathered);
  return place(where, key, value, nullptr, with, true);
}

put_result table::admit_large(const charges& x, const position& where,
                              const entry_attributes& with) noexcept {
  return admit(x, where, with);
}

put_result table::link_any(const position& where, const hashed_key& key,
                           bytes_view value, large_block* block,
                           const entry_attributes& with,
                           entry*& item) noexcept {
  const auto x
    = block == nullptr
        ? charges_of(where,
                     entry::block_size(key.key.size(), value.size(), with), 0)
        : charges_with(where, key.key, with, block->footprint(value.size()));
  return link(where, key, value, block, with, x, true, item);
}

/// Like `put`, but the value is in `block`, unless that is nullptr. Always takes the
/// hold of the block that the caller has counted.
put_result table::place_any(const position& where, const hashed_key& key,
                            bytes_view value, large_block* block,
                            const entry_attributes& with,
                            bool announced) noexcept {
  const auto result = place(where, key, value, block, with, announced);
  if (result != put_result::done && block != nullptr)
    block->release();
  return result;
}

void table::remove(const position& where) noexcept {
  ++version_;
  drop(where.found, removal_cause::erased);
  newest().links.tidy(where.number);
  shrink();
  publish_charge();
}

put_result table::touch(const position& where, const hashed_key& key,
                        time_point deadline) noexcept {
  auto& item = *where.item;
  if (!item.has_deadline() && deadline != never) {
    // There is no room for a deadline: another entry replaces this one.
    auto with = item.attributes();
    with.deadline = deadline;
    auto* block = item.large() ? item.hold().block : nullptr;
    if (block != nullptr)
      block->hold();
    return place_any(where, key, item.value(), block, with, false);
  }
  auto& g = newest();
  const auto slides = item.slides();
  const auto now = slides ? time_.now() : time_point{};
  const auto expiry
    = slides ? std::min(deadline, now + item.sliding().idle()) : deadline;
  const auto last = entry_attributes::after_deadline(expiry, item.stale_for());
  if (!g.wheel.schedule(g.links.number_of(key.hash), last))
    return put_result::no_memory;
  if (slides) [[unlikely]] {
    g.add_sliding(item.touch_sliding(now, deadline, ++version_));
    return put_result::done;
  }
  // Its tags must stay in use: an unused name may be forgotten.
  count_deadline(item, false);
  item.touch(deadline, ++version_);
  count_deadline(item, true);
  return put_result::done;
}

bool table::renew() noexcept {
  generation* fresh = nullptr;
  try {
    fresh = new generation(options_, eviction_, forgotten_.present_era());
  } catch (const std::bad_alloc&) {
    return false;
  }
  auto& old = newest();
  const auto fades
    = tagged_.load(std::memory_order_relaxed) > 0
      || (removals_.listening() && size_.load(std::memory_order_relaxed) > 0);
  current_.store(fresh, std::memory_order_release);
  size_.store(0, std::memory_order_relaxed);
  expiring_.store(0, std::memory_order_relaxed);
  deadlines_.store(0, std::memory_order_relaxed);
  tagged_.store(0, std::memory_order_relaxed);
  era_.store(fresh->era, std::memory_order_relaxed);
  ++version_;
  // The slab frees the retired entries of the old generation.
  retired_.forget();
  if (fades) {
    old.fading_before = std::exchange(fading_, &old);
    add(fading_bytes_, old.bytes());
  } else {
    dying_.retire(&old, old.bytes());
    dying_.collect();
  }
  live_bytes_.store(0, std::memory_order_relaxed);
  compacting_.store(false, std::memory_order_relaxed);
  incompressible_.store(~std::size_t{0}, std::memory_order_relaxed);
  full_ = false;
  look_at_limits();
  publish_charge();
  if (!reserved_) {
    bytes_.keep(charged());
    entries_.keep(0);
  }
  return true;
}

} // namespace troupe::memory
