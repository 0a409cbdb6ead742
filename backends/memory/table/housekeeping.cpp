// The part of a table that works in the background: frees the memory of dead entries,
// and checks the structure.

#include <troupe/backends/memory/table/table.hpp>

#include <algorithm>

namespace troupe::memory {

namespace {

/// Bytes read by a compaction: about 50 µs each, because a sweep visits all shards.
constexpr std::size_t looked_at_per_sweep = 256 << 10;
constexpr std::size_t effort_per_sweep = 512 << 10;

} // namespace

bool table::wants_sweep() const noexcept {
  if (stopped())
    return false;
  return expiring_.load(std::memory_order_relaxed) > 0 || retired_bytes() > 0
         || forgotten() || wants_compaction()
         || (tagged_.load(std::memory_order_relaxed) > 0
             && reclaimed_.load(std::memory_order_relaxed)
                  != forgotten_.tags().kills());
}

void table::sweep(std::size_t buckets) noexcept {
  auto& g = newest();
  auto now = time_.now();
  for (; buckets > 0; --buckets) {
    auto due = g.wheel.take_due(now);
    if (due == timing_wheel::nothing)
      break;
    look_at(due);
  }
  fade(buckets);
  reclaim(buckets);
  // Capacity that is no longer needed is for other shards.
  bytes_.return_spare(charged());
  entries_.return_spare(size_.load(std::memory_order_relaxed));
  collect();
  if (wants_compaction())
    compact(looked_at_per_sweep, effort_per_sweep);
}

/// Removes the dead entries of one bucket, except those that callers may still use, and
/// makes it due again when the next of its other entries can be removed.
void table::look_at(std::size_t number) noexcept {
  auto& g = newest();
  auto next = never;
  std::size_t removed = 0;
  g.links.for_each_in(number,
                      [](index_slot x) { __builtin_prefetch(x.item()); });
  auto now = time_.now();
  g.links.for_each_in(number, [&](index_slot x) {
    auto& item = *x.item();
    const auto used_up = item.used_up(now);
    if (!used_up && !(item.tagged() && killed(item))) {
      next = std::min(next, item.usable_until());
      return;
    }
    if (item.expires() && item.expired(now) && !item.absence())
      add(expirations_, 1);
    drop(x, used_up ? removal_cause::expired : removal_cause::tag);
    ++removed;
  });
  // There is memory: the bucket was due, or has no entry that expires.
  static_cast<void>(g.wheel.schedule(number, next));
  g.links.tidy(number);
  for (; removed > 0; --removed)
    shrink();
  publish_charge();
}

/// Visits all buckets once after a tag was invalidated, some buckets at a time.
void table::reclaim(std::size_t buckets) noexcept {
  auto& g = newest();
  if (tagged_.load(std::memory_order_relaxed) == 0
      || reclaimed_.load(std::memory_order_relaxed)
           == forgotten_.tags().kills())
    return;
  for (; buckets > 0; --buckets) {
    if (g.reclaim_bucket == 0) {
      g.reclaiming = forgotten_.tags().kills();
      g.reclaim_again = false;
    }
    if (g.reclaim_bucket < g.links.bucket_count())
      look_at(g.reclaim_bucket++);
    if (g.reclaim_bucket < g.links.bucket_count())
      continue;
    g.reclaim_bucket = 0;
    if (g.reclaim_again)
      continue;
    reclaimed_.store(g.reclaiming, std::memory_order_relaxed);
    return;
  }
}

/// After a clear: ends the uses of the entries' tags and reports the entries, some
/// buckets at a time. No entry is put or removed there any more.
void table::fade(std::size_t buckets) noexcept {
  for (; buckets > 0 && fading_ != nullptr; --buckets) {
    auto& g = *fading_;
    if (g.fade_bucket < g.links.bucket_count()) {
      g.links.for_each_in(g.fade_bucket++, [this](index_slot x) {
        tell(*x.item(), removal_cause::cleared);
        forgotten_.tags().release(x.item()->tags());
      });
      continue;
    }
    fading_ = g.fading_before;
    add(fading_bytes_, -g.bytes());
    dying_.retire(&g, g.bytes());
  }
}

void table::collect() noexcept {
  retired_.collect();
  dying_.collect();
  newest().links.collect();
}

void table::count_tags(std::vector<std::uint32_t>& by_id) const {
  const auto add = [&by_id](const entry& x) {
    for (auto id : x.tags()) {
      if (id >= by_id.size())
        by_id.resize(id + std::size_t{1});
      ++by_id[id];
    }
  };
  newest().links.for_each(add);
  for (auto* g = fading_; g != nullptr; g = g->fading_before)
    for (auto i = g->fade_bucket; i < g->links.bucket_count(); ++i)
      g->links.for_each_in(i, [&add](index_slot x) { add(*x.item()); });
}

std::string table::validate() const {
  auto& g = newest();
  std::size_t expiring = 0;
  std::uint64_t deadlines = 0;
  std::uint64_t sliding = 0;
  std::size_t tagged = 0;
  std::size_t bytes = 0;
  g.links.for_each([&](const entry& x) {
    expiring += x.expires() ? 1 : 0;
    if (x.slides())
      sliding += generation::ticks_of(x.sliding().deadline());
    else if (x.expires())
      deadlines += generation::ticks_of(x.deadline());
    tagged += x.tagged() ? 1 : 0;
    bytes += footprint(x);
  });
  auto differs = [](const char* what, std::size_t found, std::size_t counted) {
    return std::string{what} + std::to_string(found) + ", counted "
           + std::to_string(counted);
  };
  if (expiring != expiring_.load(std::memory_order_relaxed))
    return differs("entries with a deadline are ", expiring,
                   expiring_.load(std::memory_order_relaxed));
  if (deadlines != deadlines_.load(std::memory_order_relaxed))
    return "the deadlines are not those that were summed up";
  if (sliding
      != static_cast<std::uint64_t>(g.sliding.load(std::memory_order_relaxed)))
    return "the deadlines that slide are not those that were summed up";
  if (tagged != tagged_.load(std::memory_order_relaxed))
    return differs("entries with tags are ", tagged,
                   tagged_.load(std::memory_order_relaxed));
  if (bytes != live_bytes_.load(std::memory_order_relaxed))
    return differs("entries occupy bytes: ", bytes,
                   live_bytes_.load(std::memory_order_relaxed));
  // The slab holds exactly the live entries and those that wait for readers, in bytes.
  if (bytes + retired_.bytes() != g.blocks.in_use())
    return differs("the slab's blocks in use have bytes: ", g.blocks.in_use(),
                   bytes + retired_.bytes());
  std::string problem;
  const auto now = time_.now();
  for (std::size_t i = 0; i < g.links.bucket_count(); ++i)
    g.links.for_each_in(i, [&](index_slot x) {
      const auto last = x.item()->usable_until();
      // An entry may be written with a deadline in the past.
      if (last != never
          && g.wheel.due(i)
               > std::max(last, now) + 2 * timing_wheel::tick_length)
        problem = "an entry can be removed before its bucket is due";
      if (x.item()->absence() && !expired(*x.item()))
        problem = "a cached absence has not expired";
    });
  if (!problem.empty())
    return problem;
  if (problem = g.wheel.validate(); !problem.empty())
    return problem;
  if (problem = g.goes_next.validate(g.links); !problem.empty())
    return problem;
  return g.links.validate(size_.load(std::memory_order_relaxed));
}

} // namespace troupe::memory
