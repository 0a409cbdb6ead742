#pragma once

// A hierarchical timing wheel (Varghese and Lauck 1987, scheme 7) over the buckets of
// an index: a bucket is due when the first of its entries expires, and is then checked
// as a whole. So there is one node per bucket, however often deadlines change, and no
// entry carries a link.
//
//   level 0: 64 slots of one tick      level 1: 64 slots of 64 ticks      ...
//
// A node is in the level whose slots are just long enough to separate its due time from
// now, and moves down when its slot's time begins. A node that is due later than the
// topmost level reaches is in its last slot, and is placed there again.

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <troupe/backends/memory/space/segmented_array.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe::memory {

/// Not thread-safe. Every operation takes constant time, except `advance`, which takes
/// time for the due items and at most one step per level for each turn of the level
/// below.
class timing_wheel {
public:
  /// Ticks since the epoch of the clock.
  using tick = std::uint64_t;

  /// Its precision: an entry's memory is freed up to this much late.
  static constexpr std::chrono::milliseconds tick_length{16};

  explicit timing_wheel(time_point now) noexcept : now_(tick_of(now)) {
    // nop
  }

  timing_wheel(const timing_wheel&) = delete;
  timing_wheel& operator=(const timing_wheel&) = delete;

  /// Makes `item` due when `deadline` has passed; no effect when it is due earlier.
  /// False when there is no memory.
  [[nodiscard]] bool schedule(std::size_t item, time_point deadline) noexcept;

  /// Allocates memory for `item` and all lower numbers. False when there is no memory.
  [[nodiscard]] bool reach(std::size_t item) noexcept {
    return (slots_ != nullptr || make_slots()) && nodes_.reach(item);
  }

  /// Gives `to`, which must have memory, the due time of `from`, unless it has an
  /// earlier one.
  void copy(std::size_t from, std::size_t to) noexcept;

  /// Removes the due time of `item`.
  void cancel(std::size_t item) noexcept;

  /// Removes the next item that is due at `now` and returns it; `nothing` when none is
  /// due. Time must not go backwards.
  [[nodiscard]] std::size_t take_due(time_point now) noexcept;

  static constexpr std::size_t nothing = ~std::size_t{0};

  /// Frees memory that only items from number `items` on need; none of them may be due.
  void trim(std::size_t items) noexcept;

  static constexpr std::size_t bytes_per_item = 16;

  /// Bytes of the nodes.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return nodes_.size() * sizeof(node);
  }

  /// The end of the tick before which `item` is checked; `never` when it is not due.
  [[nodiscard]] time_point due(std::size_t item) const noexcept;

  /// Returns what is wrong with the structure, or an empty string. Linear.
  [[nodiscard]] std::string validate() const;

private:
  static constexpr std::size_t slot_bits = 6;
  static constexpr std::size_t slots = std::size_t{1} << slot_bits;
  static constexpr std::size_t levels = 5; ///< 2^30 ticks: 198 days.

  /// Items are numbered from 1; 0 is not an item.
  using link = std::uint32_t;

  /// A node of all zeros is in no slot.
  struct node {
    std::uint32_t due; ///< The lower half of a tick.
    std::uint16_t level;
    std::uint16_t place; ///< 1 + the slot in its level; 0: in no slot.
    link previous;
    link next;
  };

  static_assert(sizeof(node) == bytes_per_item);

  [[nodiscard]] static tick tick_of(time_point x) noexcept {
    return static_cast<tick>(x.time_since_epoch() / tick_length);
  }

  /// The first tick at which the whole of `deadline` has passed.
  [[nodiscard]] static tick tick_after(time_point deadline) noexcept {
    return tick_of(deadline) + 1;
  }

  /// The first item of each slot.
  using slot_heads = std::array<std::array<link, slots>, levels>;

  [[nodiscard]] bool make_slots() noexcept;
  [[nodiscard]] node* find(std::size_t item) const noexcept;
  [[nodiscard]] tick due_of(const node& x) const noexcept;
  [[nodiscard]] bool put(std::size_t item, tick due) noexcept;
  void hang(link item, tick due) noexcept;
  void unhang(link item) noexcept;
  void cascade() noexcept;
  [[nodiscard]] tick next_event() const noexcept;

  segmented_array<node> nodes_;
  /// Made with the first node, so that a table without entries is small.
  std::unique_ptr<slot_heads> slots_;
  std::array<std::uint64_t, levels> occupied_{}; ///< A bit per slot.
  tick now_; ///< All earlier ticks were taken.
};

} // namespace troupe::memory
