#include <troupe/backends/memory/table.hpp>

#include <algorithm>
#include <new>

namespace troupe::memory {

namespace {

/// What is borrowed at a time when there is no limit.
constexpr std::size_t largest_bytes_piece = std::size_t{1} << 20;
constexpr std::size_t largest_entries_piece = 4096;

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
        static_cast<table*>(self)->newest().blocks.deallocate(item,
                                                              item->size());
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

put_result table::put(const position& where, const hashed_key& key,
                      bytes_view value, const entry_attributes& with,
                      value_buffer* gathered) noexcept {
  auto& g = newest();
  auto size = entry::block_size(key.key.size(), value.size(), with);
  auto bytes = slab::footprint(size);
  auto replaced = where.item == nullptr
                    ? std::size_t{0}
                    : slab::footprint(where.item->size());
  if (limited_) {
    if (bytes + buckets_per_put * sizeof(bucket) > largest_charge_)
      [[unlikely]]
      return put_result::too_large;
    if (eviction_ == eviction_policy::none
        && !fits(bytes, replaced, where.item == nullptr ? 1 : 0,
                 with.expiry() != never)) [[unlikely]]
      return put_result::no_room;
  }
  const auto timed = g.wheel.bytes() != 0;
  // An earlier look at the bucket than needed does no harm.
  if (auto expiry = with.expiry();
      expiry != never
      && !g.wheel.schedule(g.links.number_of(key.hash), expiry))
    return put_result::no_memory;
  void* block = nullptr;
  if (gathered != nullptr) [[unlikely]]
    block = g.blocks.adopt(
      *gathered, entry::size_before_value(key.key.size(), with), size);
  if (block == nullptr)
    block = g.blocks.allocate(size);
  if (block == nullptr)
    return put_result::no_memory;
  auto* item = entry::make(block, key.key, value, version_ + 1, with);
  // Before readers see it: they may put its deadline off at once.
  count(*item, true);
  auto slot = g.links.link(where, key.hash, item);
  if (!slot) {
    count(*item, false);
    g.blocks.deallocate(block, size);
    return put_result::no_memory;
  }
  ++version_;
  if (where.item != nullptr) {
    g.goes_next.replaced(*slot, replaced, bytes);
    tell(*where.item, removal_cause::replaced);
    retire(*where.item, replaced);
    add(live_bytes_, bytes - replaced);
    // Mostly nothing has become larger, and there is nothing to enforce.
    if (bytes == replaced && timed == (g.wheel.bytes() != 0) && !in_debt())
      [[likely]]
      return put_result::done;
  } else {
    add(size_, 1);
    add(live_bytes_, bytes);
    if (limited_)
      g.goes_next.added(*slot, key.hash, bytes);
    if (may_grow())
      grow();
  }
  enforce(item);
  if (g.blocks.pressed()) [[unlikely]]
    compact_for(bytes);
  return put_result::done;
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
    return put(where, key, item.value(), with);
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
  count(item, false);
  item.touch(deadline, ++version_);
  count(item, true);
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
  bytes_.keep(charged());
  entries_.keep(0);
  return true;
}

/// Unlinks an entry; the index may have to shrink then.
void table::drop(index_slot where, removal_cause cause) noexcept {
  auto& g = newest();
  auto& item = *where.item();
  tell(item, cause);
  auto bytes = slab::footprint(item.size());
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
  retired_.retire(&x, bytes);
}

void table::count_attributes(const entry& x, bool in) noexcept {
  auto one = in ? std::size_t{1} : ~std::size_t{0};
  if (x.slides()) [[unlikely]] {
    add(expiring_, one);
    auto& slide = x.sliding();
    add_sliding(newest(), in ? sliding_deadline::move{{}, slide.deadline()}
                             : sliding_deadline::move{slide.settle(), {}});
  } else if (x.expires()) {
    add(expiring_, one);
    auto ticks = ticks_of(x.deadline());
    auto sum = deadlines_.load(std::memory_order_relaxed);
    deadlines_.store(in ? sum + ticks : sum - ticks,
                     std::memory_order_relaxed);
  }
  if (x.tagged()) [[unlikely]] {
    add(tagged_, one);
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
