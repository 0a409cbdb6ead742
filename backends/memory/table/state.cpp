#include <troupe/backends/memory/table/state.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include <troupe/backends/memory/entries/entry.hpp>

namespace troupe::memory {

namespace {

/// Bytes borrowed at a time when there is no limit.
constexpr std::size_t largest_bytes_piece = std::size_t{1} << 20;
constexpr std::size_t largest_entries_piece = 4096;

} // namespace

table_state::table_state(const table_options& options)
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
        auto& blocks = static_cast<table_state*>(self)->newest().blocks;
        const auto size = item->size();
        if (!item->ends_with_value() && item->large()) [[unlikely]]
          blocks.release(item->hold());
        blocks.deallocate(item, size);
      },
      this),
    events_(options_.events) {
  // nop
}

table_state::~table_state() {
  // There are no readers any more. The slab frees its blocks.
  retired_.forget();
  // Uses of tags end with the registry, which does not outlive the tables.
  while (fading_ != nullptr)
    delete std::exchange(fading_, fading_->fading_before);
  delete &newest();
}

time_point table_state::mean_deadline() const noexcept {
  const auto count = expiring();
  if (count == 0)
    return never;
  epoch_guard guard;
  auto& g = *current_.load(std::memory_order_acquire);
  const auto sum
    = static_cast<std::int64_t>(deadlines_.load(std::memory_order_relaxed))
      + g.sliding.load(std::memory_order_relaxed);
  const auto mean
    = std::max(sum, std::int64_t{0}) / static_cast<std::int64_t>(count);
  // A tick is rounded down, by half a tick on average.
  return time_point{std::chrono::nanoseconds{
    (mean << generation::tick_bits)
    + (std::int64_t{1} << (generation::tick_bits - 1))}};
}

std::size_t table_state::vacant_bytes() const noexcept {
  epoch_guard guard;
  const auto reserved
    = current_.load(std::memory_order_acquire)->blocks.reserved();
  const auto used
    = live_bytes_.load(std::memory_order_relaxed) + retired_.bytes();
  return reserved - std::min(reserved, used);
}

bool table_state::held_back_by(
  std::span<const budget* const> shared) const noexcept {
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
