#pragma once

// The bookkeeping for an entry that is linked or unlinked: it keeps counters, tags, the
// slab, the sink and the size of the index consistent with the linked entries.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <troupe/backends/memory/entries/entry.hpp>
#include <troupe/backends/memory/entries/entry_attributes.hpp>
#include <troupe/backends/memory/entries/footprint.hpp>
#include <troupe/backends/memory/index/index.hpp>
#include <troupe/backends/memory/limits/demand.hpp>
#include <troupe/backends/memory/limits/removal_sink.hpp>
#include <troupe/backends/memory/limits/timing_wheel.hpp>
#include <troupe/backends/memory/space/slab.hpp>
#include <troupe/backends/memory/table/reading.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/events/key_event.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// The layer of `table` that keeps its books. For the writer.
class table_accounts : public table_reading {
public:
  using position = index::position;

  /// The present state of a key. Constant time.
  [[nodiscard]] occupancy occupied_by(const hashed_key& key) noexcept;

  /// The charge of an entry that has the value, the tail and the deadlines of `what`;
  /// with at least `block` bytes for a large value.
  [[nodiscard]] static std::size_t charge_of(std::size_t key_size,
                                             const occupancy& what,
                                             std::size_t block) noexcept;

  /// Whether the limits admit an entry with this charge at all.
  [[nodiscard]] bool admits(std::size_t charge) const noexcept;

  /// Where a key is. Only in a table that is not stale.
  [[nodiscard]] position locate(const hashed_key& key) noexcept {
    return newest().links.locate(key);
  }

  /// Larger values, in bytes, lie in a large_block.
  static constexpr std::size_t largest_inline = slab::largest_block;

protected:
  using table_reading::table_reading;

  ~table_accounts() = default;

  /// Most buckets that one more entry usually takes at once: one by a split, one by an
  /// overflow of its chain.
  static constexpr std::size_t buckets_per_put = 2;

  /// The charge of a bucket, including its node of the wheel.
  static constexpr std::size_t bytes_per_bucket
    = sizeof(bucket) + timing_wheel::bytes_per_item;

  /// By how much moves may overdraw a limit until capacity is available, so that no move
  /// evicts an entry for its slots in the index.
  static constexpr std::size_t credit_of_slots = 16 * bytes_per_bucket;

  /// The charges for an entry that is put.
  struct charges {
    std::size_t size;     ///< Bytes of the entry's own block.
    std::size_t block;    ///< The charge of that block.
    std::size_t all;      ///< With the block of a large value.
    std::size_t replaced; ///< The charge of the replaced entry.
  };

  [[nodiscard]] static charges charges_of(const position& where,
                                          std::size_t size,
                                          std::size_t value_bytes) noexcept;
  [[nodiscard]] static charges
  charges_with(const position& where, bytes_view key,
               const entry_attributes& with, std::size_t value_bytes) noexcept;

  void take_hold(entry& x, std::size_t bytes) noexcept;
  [[nodiscard]] std::size_t hand_over(entry& x) noexcept;
  void drop(index_slot where, removal_cause cause) noexcept;
  void retire(entry& x, std::size_t bytes) noexcept;

  /// Passes a removed entry to the sink, if it wants removals.
  void tell(const entry& x, removal_cause cause) noexcept {
    if (removals_.listening()) [[unlikely]]
      tell_sink(x, cause);
  }

  void record_removal(const entry& x, key_event_kind kind) noexcept;

  void count_deadline(const entry& x, bool in) noexcept;

  /// Counts, or uncounts, the deadlines and tags of an entry.
  void count(const entry& x, bool in) noexcept {
    if (!x.bare())
      count_attributes(x, in);
  }

  void grow() noexcept;
  void shrink() noexcept;
  void publish_charge() noexcept;

  /// Whether the budgets lent what the table holds.
  [[nodiscard]] bool covered() const noexcept {
    return charged() <= bytes_.granted()
           && size_.load(std::memory_order_relaxed) <= entries_.granted();
  }

private:
  /// 1 to add to a counter when an entry is linked, -1 when it is unlinked.
  [[nodiscard]] static constexpr std::size_t one_if(bool comes) noexcept {
    return comes ? std::size_t{1} : ~std::size_t{0};
  }

  void tell_sink(const entry& x, removal_cause cause) noexcept;
  void count_attributes(const entry& x, bool in) noexcept;
};

// -- implementation --------------------------------------------------------------

[[gnu::always_inline]] inline table_accounts::charges
table_accounts::charges_of(const position& where, std::size_t size,
                           std::size_t value_bytes) noexcept {
  const auto block = slab::footprint(size);
  return {size, block, block + value_bytes,
          where.item == nullptr ? std::size_t{0} : footprint(*where.item)};
}

/// Counts the deadline, if any, of an entry that does not slide.
inline void table_accounts::count_deadline(const entry& x, bool in) noexcept {
  if (!x.expires())
    return;
  add(expiring_, one_if(in));
  const auto ticks = generation::ticks_of(x.deadline());
  add(deadlines_, in ? ticks : -ticks);
}

} // namespace troupe::memory
