#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <troupe/backends/memory/entries/sliding_deadline.hpp>
#include <troupe/backends/memory/index/index.hpp>
#include <troupe/backends/memory/limits/evictor.hpp>
#include <troupe/backends/memory/limits/timing_wheel.hpp>
#include <troupe/backends/memory/space/slab.hpp>
#include <troupe/backends/memory/table/table_options.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe::memory {

/// The part of a table that a clear replaces as a whole: the entries, and all that is
/// kept consistent with them.
struct table_generation {
  table_generation(const table_options& with, eviction_policy eviction,
                   std::uint64_t now)
    : era(now), wheel(with.time->now()), goes_next(eviction) {
    // nop
  }

  /// Deadlines are summed in ticks of 2^27 ns, about 1/8 of a second: so the sum for
  /// hundreds of millions of entries that live for a century fits 63 bits.
  static constexpr unsigned tick_bits = 27;

  [[nodiscard]] static std::uint64_t ticks_of(time_point deadline) noexcept {
    return static_cast<std::uint64_t>(deadline.time_since_epoch().count())
           >> tick_bits;
  }

  /// Counts a move of a sliding deadline by a read or by the writer. From any thread.
  void add_sliding(sliding_deadline::move x) noexcept {
    const auto ticks = ticks_of(x.to) - ticks_of(x.from);
    if (ticks != 0)
      sliding.fetch_add(static_cast<std::int64_t>(ticks),
                        std::memory_order_relaxed);
  }

  /// Memory of entries and index. From any thread.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return blocks.reserved() + links.bytes();
  }

  std::uint64_t era;
  index links;
  slab blocks;
  timing_wheel wheel;
  evictor goes_next;
  /// The sum of the sliding deadlines, in ticks; readers add to it. On its own cache
  /// line, apart from what they read.
  alignas(64) std::atomic<std::int64_t> sliding{0};
  std::size_t reclaim_bucket = 0; ///< The next to check for killed entries.
  std::uint64_t reclaiming = 0;   ///< The kills at the begin of this pass.
  bool reclaim_again = false;     ///< A merge moved entries behind the pass.
  /// After a clear: the next bucket whose entries must be removed, and the generation
  /// that was cleared before this one.
  std::size_t fade_bucket = 0;
  table_generation* fading_before = nullptr;
};

} // namespace troupe::memory
