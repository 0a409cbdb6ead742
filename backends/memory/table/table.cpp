#include <troupe/backends/memory/table/table.hpp>

#include <algorithm>
#include <new>

namespace troupe::memory {

namespace {

/// What is borrowed at a time when there is no limit.
constexpr std::size_t largest_bytes_piece = std::size_t{1} << 20;
constexpr std::size_t largest_entries_piece = 4096;

/// To be added when something comes, or goes.
constexpr std::size_t one_if(bool comes) noexcept {
  return comes ? std::size_t{1} : ~std::size_t{0};
}

} // namespace

table::table(const table_options& options)
  : time_(*options.time),
    options_(options),
    forgotten_(*options_.forgotten),
    current_(
      new generation(options_, options.eviction, forgotten_.present_era())),
    dying_([](void*, void* x) noexcept { delete static_cast<generation*>(x); },
           nullptr),
    era_(newest().era),
    bytes_(options_.bytes, options_.shares, largest_bytes_piece),
    entries_(options_.entries, options_.shares, largest_entries_piece),
    eviction_(options.eviction),
    removals_(*options_.removals),
    retired_(
      [](void* self, void* x) noexcept {
        auto* item = static_cast<entry*>(x);
        auto& blocks = static_cast<table*>(self)->newest().blocks;
        const auto size = item->size();
        if (!item->ends_with_value() && item->large()) [[unlikely]]
          blocks.release(item->hold());
        blocks.deallocate(item, size);
      },
      this) {
  look_at_limits();
  enforce(nullptr);
}

table::~table() {
  // Nobody reads any more. The slab takes its blocks along.
  retired_.forget();
  // Uses of tags end with the registry, which lives no longer than the tables.
  while (fading_ != nullptr)
    delete std::exchange(fading_, fading_->fading_before);
  delete &newest();
}

[[gnu::always_inline]] inline table::charges
table::charges_of(const position& where, std::size_t size,
                  std::size_t value_bytes) noexcept {
  const auto block = slab::footprint(size);
  return {size, block, block + value_bytes,
          where.item == nullptr ? std::size_t{0} : footprint(*where.item)};
}

/// Whether the limits allow it, as far as eviction does not see to it.
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

/// Makes an entry and puts it in its place, whatever the limits. The entry of a
/// large value takes the hold of `block` that the caller has counted, if all goes
/// well.
[[gnu::always_inline]] inline put_result
table::link(const position& where, const hashed_key& key, bytes_view value,
            large_block* block, const entry_attributes& with, const charges& x,
            bool announced, entry*& item) noexcept {
  auto& g = newest();
  // An earlier look at the bucket than needed does no harm.
  if (auto expiry = with.expiry();
      expiry != never
      && !g.wheel.schedule(g.links.number_of(key.hash), expiry))
    return put_result::no_memory;
  auto* memory = g.blocks.allocate(x.size);
  if (memory == nullptr)
    return put_result::no_memory;
  item = block == nullptr
           ? entry::make(memory, key.key, value, version_ + 1, with)
           : entry::make_large(memory, key.key, *block, value.size(),
                               version_ + 1, with);
  // Before readers see it: they may put its deadline off at once.
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
    // Mostly nothing has become larger, and there is nothing to enforce.
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

table::charges table::charges_with(const position& where, bytes_view key,
                                   const entry_attributes& with,
                                   std::size_t value_bytes) noexcept {
  return charges_of(where, entry::large_size(key.size(), with), value_bytes);
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

/// As `put`, but the value is in `block` already, unless that is nullptr. Takes the
/// hold of the block that the caller has counted, in any case.
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
    // There is no place for it: another entry takes this one's.
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
  if (!g.wheel.schedule(g.links.number_of(key.hash), expiry))
    return put_result::no_memory;
  if (slides) [[unlikely]] {
    add_sliding(g, item.touch_sliding(now, deadline, ++version_));
    return put_result::done;
  }
  // Its tags are in use all the while: a name that is not may be forgotten.
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
  const auto fades = tagged_.load(std::memory_order_relaxed) > 0
                     || (removals_.listening()
                         && size_.load(std::memory_order_relaxed) > 0);
  current_.store(fresh, std::memory_order_release);
  size_.store(0, std::memory_order_relaxed);
  expiring_.store(0, std::memory_order_relaxed);
  deadlines_.store(0, std::memory_order_relaxed);
  tagged_.store(0, std::memory_order_relaxed);
  era_.store(fresh->era, std::memory_order_relaxed);
  ++version_;
  // The retired entries of the old generation go with its slab.
  retired_.forget();
  if (fades) {
    old.fading_before = std::exchange(fading_, &old);
    add(fading_bytes_, bytes_of(old));
  } else {
    dying_.retire(&old, bytes_of(old));
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

/// Unlinks an entry; the index may have to shrink then.
void table::drop(index_slot where, removal_cause cause) noexcept {
  auto& g = newest();
  auto& item = *where.item();
  tell(item, cause);
  auto bytes = footprint(item);
  g.goes_next.removed(where, bytes);
  index::unlink(where);
  add(size_, ~std::size_t{0});
  add(live_bytes_, -bytes);
  retire(item, bytes);
}

/// Of an entry that was dead already it says what killed it, whatever takes it away
/// now.
void table::tell_sink(const entry& x, removal_cause cause) noexcept {
  if (x.expires() && x.expired(time_.now()))
    cause = removal_cause::expired;
  else if (x.tagged() && killed(x))
    cause = removal_cause::tag;
  removals_.removed(x.key(), x.value(), cause);
}

/// Gives an unlinked entry's block of `bytes` back once no reader sees it.
void table::retire(entry& x, std::size_t bytes) noexcept {
  count(x, false);
  if (x.large()) [[unlikely]]
    x.hold().block->count_key(false);
  retired_.retire(&x, bytes);
}

/// Counts the deadline, if it has one, of an entry that does not slide.
inline void table::count_deadline(const entry& x, bool in) noexcept {
  if (!x.expires())
    return;
  add(expiring_, one_if(in));
  const auto ticks = ticks_of(x.deadline());
  add(deadlines_, in ? ticks : -ticks);
}

void table::count_attributes(const entry& x, bool in) noexcept {
  if (x.slides()) [[unlikely]] {
    add(expiring_, one_if(in));
    auto& slide = x.sliding();
    add_sliding(newest(), in ? sliding_deadline::move{{}, slide.deadline()}
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

/// Splits a bucket when it is time to.
void table::grow() noexcept {
  auto& g = newest();
  // Both buckets are due when the one was, which must not need memory then.
  if (g.wheel.bytes() != 0 && !g.wheel.reach(g.links.bucket_count()))
    return;
  auto split = g.links.grow(size_.load(std::memory_order_relaxed));
  if (!split)
    return;
  g.wheel.copy(split->kept, split->other);
}

/// Merges a bucket into another when it is time to.
void table::shrink() noexcept {
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

time_point table::mean_deadline() const noexcept {
  const auto count = expiring();
  if (count == 0)
    return never;
  epoch_guard guard;
  auto& g = *current_.load(std::memory_order_acquire);
  const auto sum
    = static_cast<std::int64_t>(deadlines_.load(std::memory_order_relaxed))
      + g.sliding.load(std::memory_order_relaxed);
  const auto mean = std::max(sum, std::int64_t{0})
                    / static_cast<std::int64_t>(count);
  // A tick is rounded down, by half of one on average.
  return time_point{std::chrono::nanoseconds{
    (mean << tick_bits) + (std::int64_t{1} << (tick_bits - 1))}};
}

} // namespace troupe::memory
