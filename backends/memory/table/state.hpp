#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/memory/events/event_ring.hpp>
#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/limits/deadline_step.hpp>
#include <troupe/backends/memory/limits/removal_sink.hpp>
#include <troupe/backends/memory/table/generation.hpp>
#include <troupe/backends/memory/table/table_options.hpp>
#include <troupe/backends/memory/tags/invalidations.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/events/key_event.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe::memory {

/// The parts of a table, and its figures: the lowest layer of `table`. One writer.
class table_state {
public:
  table_state(const table_state&) = delete;
  table_state& operator=(const table_state&) = delete;

  // -- figures, for any thread -------------------------------------------------

  /// Whether its invalidations were stopped: it stays empty for all callers and must
  /// not be changed any more.
  [[nodiscard]] bool stopped() const noexcept {
    return forgotten_.stopped();
  }

  /// Entries with a deadline.
  [[nodiscard]] std::size_t expiring() const noexcept {
    return forgotten() ? 0 : expiring_.load(std::memory_order_relaxed);
  }

  /// The mean of the deadlines, to within a tenth of a second; `never` when no entry
  /// has one. Constant time. A thread that changes an entry meanwhile may shift it by
  /// that entry's part.
  [[nodiscard]] time_point mean_deadline() const noexcept;

  /// Entries, including dead ones whose memory is not yet freed.
  [[nodiscard]] std::size_t size() const noexcept {
    return forgotten() ? 0 : size_.load(std::memory_order_relaxed);
  }

  /// The charge of the entries, in bytes: their blocks and their part of index, wheel
  /// and queues.
  [[nodiscard]] std::size_t charged() const noexcept {
    return charged_.load(std::memory_order_relaxed);
  }

  /// Memory of entries and index.
  [[nodiscard]] std::size_t bytes() const noexcept {
    epoch_guard guard;
    return current_.load(std::memory_order_acquire)->bytes();
  }

  /// Bytes of the slab that no entry uses.
  [[nodiscard]] std::size_t vacant_bytes() const noexcept;

  /// Entries that were moved so that their chunk could be given back.
  [[nodiscard]] std::uint64_t relocations() const noexcept {
    return relocations_.load(std::memory_order_relaxed);
  }

  /// Bytes that wait for readers.
  [[nodiscard]] std::size_t retired_bytes() const noexcept {
    return retired_.bytes() + dying_.bytes()
           + fading_bytes_.load(std::memory_order_relaxed);
  }

  /// Entries that were evicted because of a limit.
  [[nodiscard]] std::uint64_t evictions() const noexcept {
    return evictions_.load(std::memory_order_relaxed);
  }

  /// Entries whose memory was freed because their deadline had passed.
  [[nodiscard]] std::uint64_t expirations() const noexcept {
    return expirations_.load(std::memory_order_relaxed);
  }

  /// Whether the table holds more than it was lent. Possible only where nothing is
  /// evicted; otherwise what it holds is lent, if necessary by overdrawing the budget.
  [[nodiscard]] bool in_debt() const noexcept {
    return charged() > bytes_.granted() || size() > entries_.granted();
  }

  /// The amounts that it was lent, in bytes and in entries.
  [[nodiscard]] std::size_t bytes_granted() const noexcept {
    return bytes_.granted();
  }

  [[nodiscard]] std::size_t entries_granted() const noexcept {
    return entries_.granted();
  }

  /// Whether `yield_piece` would return something to other shards and keep as much.
  [[nodiscard]] bool can_yield() const noexcept {
    return bytes_.can_yield() || entries_.can_yield();
  }

  /// Whether these budgets, and no narrower ones, refused its last request.
  [[nodiscard]] bool
  held_back_by(std::span<const budget* const> shared) const noexcept;

  // -- the writer --------------------------------------------------------------

  /// The version of the newest change.
  [[nodiscard]] version_number version() const noexcept {
    return version_;
  }

  /// The largest charge of one entry, including its part of the index: half of the
  /// smallest limit above it.
  [[nodiscard]] std::size_t largest_charge() const noexcept {
    return largest_charge_;
  }

  /// The limit that `largest_charge` is half of.
  [[nodiscard]] const budget& narrowest_bytes() const noexcept {
    return bytes_.source().narrowest();
  }

  /// Whether there is a limit.
  [[nodiscard]] bool limited() const noexcept {
    return limited_;
  }

  /// Whether both borrow from the same budgets.
  [[nodiscard]] bool
  shares_limits_with(const table_state& other) const noexcept {
    return &bytes_.source() == &other.bytes_.source()
           && &entries_.source() == &other.entries_.source();
  }

  [[nodiscard]] eviction_policy eviction() const noexcept {
    return eviction_;
  }

  /// Amounts that budgets lend.
  struct amounts {
    std::size_t bytes = 0;
    std::size_t entries = 0;
  };

  /// The largest overdrawn amount of the budgets that it borrows from.
  [[nodiscard]] amounts overdrawn() const noexcept {
    return {bytes_.source().most_overdrawn(),
            entries_.source().most_overdrawn()};
  }

  /// What happened to the keys.
  [[nodiscard]] const event_ring& events() const noexcept {
    return events_;
  }

  /// Records an event of a key at this moment, under the newest version.
  void record(key_event_kind kind, key_event_kind cause, bytes_view key,
              std::uint64_t load = 0, bytes_view name = {}) noexcept {
    events_.add({kind, cause, version_, time_.coarse(), key, load, name});
  }

protected:
  using generation = table_generation;

  /// Throws std::bad_alloc.
  explicit table_state(const table_options& options);
  ~table_state();

  /// For the writer, which needs no guard.
  [[nodiscard]] generation& newest() const noexcept {
    return *current_.load(std::memory_order_relaxed);
  }

  /// Like `stale`, for any thread.
  [[nodiscard]] bool forgotten() const noexcept {
    return era_.load(std::memory_order_relaxed) != forgotten_.era();
  }

  static void add(std::atomic<std::size_t>& where, std::size_t n) noexcept {
    where.store(where.load(std::memory_order_relaxed) + n,
                std::memory_order_relaxed);
  }

  const clock& time_;
  const table_options options_;
  invalidations& forgotten_;
  std::atomic<generation*> current_;
  retired_list dying_; ///< Generations.
  /// The last cleared generation whose entries must still be removed.
  generation* fading_ = nullptr;
  std::atomic<std::size_t> fading_bytes_{0};

  // What every write changes, apart from what readers read and as close together as
  // possible: the next writing processor must fetch it from the last one. Only the
  // writer changes counters, so a separate load and store suffice.
  alignas(64) std::atomic<std::size_t> size_{0};
  std::atomic<std::size_t> expiring_{0};
  /// Sum of the deadlines that do not slide, in ticks.
  std::atomic<std::uint64_t> deadlines_{0};
  version_number version_ = no_version;
  std::atomic<std::size_t> live_bytes_{0}; ///< In blocks of entries.
  std::atomic<std::size_t> charged_{0};
  std::size_t largest_charge_ = budget::unlimited;
  bool limited_ = false; ///< There is a limit.
  bool full_ = false;    ///< Entries were evicted, and it is still nearly full.
  bool reserved_ = false;          ///< What was lent is for certain changes.
  std::atomic<std::uint64_t> era_; ///< The era of the newest generation.
  std::atomic<std::size_t> tagged_{0};
  std::atomic<std::size_t> evictions_{0};
  std::atomic<std::size_t> expirations_{0};
  std::atomic<std::size_t> relocations_{0};
  std::atomic<bool> compacting_{false};
  std::size_t owed_entries_ = 0; ///< Stored without a step of compaction.
  std::size_t owed_bytes_ = 0;   ///< The same in bytes.
  /// The vacant bytes when a compaction last found nothing to do.
  std::atomic<std::size_t> incompressible_{~std::size_t{0}};
  allowance bytes_;
  allowance entries_;
  eviction_policy eviction_;
  removal_sink& removals_;
  /// The entries killed up to this count were removed.
  std::atomic<std::uint64_t> reclaimed_{0};
  retired_list retired_; ///< Entries of the current generation.
  deadline_witness deciding_;
  event_ring events_;
};

} // namespace troupe::memory
