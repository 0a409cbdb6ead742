#pragma once

// What a store consists of, how it is read and cleared, and what its changes are made of.
// The invariants are at the head of store.hpp.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include <troupe/backends/changes.hpp>
#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/memory/entries/entry.hpp>
#include <troupe/backends/memory/entries/entry_attributes.hpp>
#include <troupe/backends/memory/entries/tag_id.hpp>
#include <troupe/backends/memory/limits/deadline_step.hpp>
#include <troupe/backends/memory/limits/jitter_histogram.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>
#include <troupe/backends/memory/store/absences.hpp>
#include <troupe/backends/memory/store/leases.hpp>
#include <troupe/backends/memory/store/store_options.hpp>
#include <troupe/backends/memory/table/table.hpp>
#include <troupe/backends/memory/tags/invalidations.hpp>
#include <troupe/backends/memory/tags/tag_registry.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/options.hpp>
#include <troupe/messages/types/tags.hpp>

namespace troupe::memory {

/// The lowest layer of `store`.
class store_core {
public:
  store_core(const store_core&) = delete;
  store_core& operator=(const store_core&) = delete;

  // -- any thread --------------------------------------------------------------

  /// Calls `f(const entry_view&)` when the key has a live entry; tells whether.
  /// After a miss, `stopped` tells whether that is an answer.
  template <class F>
  [[gnu::always_inline]] bool read(const hashed_key& key, F&& f,
                                   lookup as = lookup::use) const {
    epoch_guard guard;
    return table_.read(key, as, std::forward<F>(f));
  }

  /// Whether the invalidations that it shares were stopped: nothing is found or
  /// changed any more.
  [[nodiscard]] bool stopped() const noexcept {
    return table_.stopped();
  }

  /// Calls `f(bytes_view key, const entry_view&)` for the live entries at a
  /// position of the table, and returns the next one; see `table::scan`. No use
  /// of the entries.
  template <class F>
  [[nodiscard]] std::uint64_t scan(std::uint64_t from, F&& f) const {
    epoch_guard guard;
    return table_.scan(from, [&](const entry& item) {
      if (!table_.dead(item))
        f(item.key(), item.view());
    });
  }

  void prefetch_bucket(std::uint64_t hash) const noexcept {
    table_.prefetch_bucket(hash);
  }

  /// Inside an epoch guard.
  void prefetch_entry(std::uint64_t hash) const noexcept {
    table_.prefetch_entry(hash);
  }

  /// Fetches what a write of a key with this hash will touch.
  void prefetch_for_write(std::uint64_t hash) const noexcept {
    epoch_guard guard;
    table_.prefetch_for_write(hash);
  }

  /// The jitter that entries were given so far.
  [[nodiscard]] const jitter_histogram& jitter() const noexcept {
    return jitter_;
  }

  [[nodiscard]] const table& entries() const noexcept {
    return table_;
  }

  /// Whether a `forget` is still to be done.
  [[nodiscard]] bool forgetting() const noexcept {
    return forgetting_.load(std::memory_order_relaxed);
  }

  // -- the shard's turn --------------------------------------------------------

  /// Does at once what a clear of the region asks for. Has to come first in each
  /// turn: what follows relies on it. Errors: `out_of_memory`, `shutting_down`.
  expected<void> settle() {
    if (!table_.stale()) [[likely]]
      return {};
    return catch_up();
  }

  /// Removes everything from this store, and voids all leases of loads. To clear
  /// all that share its invalidations, tell those; `settle` does the rest.
  expected<void> clear();

  /// As `clear`, but without memory for an empty table the sweeps try again. True when
  /// it is done.
  bool forget() noexcept;

  /// The tags of all stores of the region.
  [[nodiscard]] const tag_registry& registry() const noexcept {
    return forgotten_.tags();
  }

  /// As long as it lives, nothing in the region is invalidated or cleared, but by this
  /// thread. For one turn in several stores of a region.
  [[nodiscard]] tag_step keep_out_invalidations() noexcept {
    return tag_step{forgotten_.tags(), witness_};
  }

  /// What writes get that say nothing of their own.
  [[nodiscard]] const store_options& usual() const noexcept {
    return options_;
  }

  /// The newest version.
  [[nodiscard]] version_number version() const noexcept {
    return table_.version();
  }

  [[nodiscard]] time_point now() const noexcept {
    return time_.now();
  }

protected:
  /// Throws std::bad_alloc.
  explicit store_core(const store_options& options);
  ~store_core();

  // -- what is under a key -----------------------------------------------------

  [[nodiscard]] bool live(const table::position& where) const noexcept {
    return where.item != nullptr && !table_.dead(*where.item);
  }

  /// What is in the live entry at `where`, which is a use of it.
  [[nodiscard]] std::optional<entry_view>
  use(const table::position& where) const noexcept {
    return where.item == nullptr ? std::nullopt : table_.use(*where.item);
  }

  /// Whether the entry at `where` has tags.
  [[nodiscard]] static bool tagged(const table::position& where) noexcept {
    return where.item != nullptr && where.item->tagged();
  }

  [[nodiscard]] expected<bool> look(table::position& where,
                                    const hashed_key& key);

  /// For a change that found no live entry at `where` and depends on that. An entry
  /// that is dead there may have died after a clear that came in the middle of this
  /// turn; the change would see what followed the clear and then be lost to it. So it
  /// obeys the clear first, and `where` is the key's place after that.
  expected<void> confirm_absence(table::position& where,
                                 const hashed_key& key) {
    if (where.item == nullptr || !table_.stale()) [[likely]]
      return {};
    return catch_up().map([&] { where = table_.locate(key); });
  }

  // -- the steps of a change ---------------------------------------------------

  /// Of a change that depends on whether there is a live entry at `where`, or that
  /// stores tags (`tagging`). From before it looks until what it made can be seen:
  /// nothing comes in between that would tell otherwise.
  class decision {
  public:
    decision(store_core& in, const table::position& where,
             const hashed_key& key, bool tagging = false,
             std::size_t which = 0) noexcept
      : tags_(in.forgotten_.tags(), in.witness_, tagging || tagged(where)),
        deadline_(in.table_.decide(where, key.hash, which)) {
      // nop
    }

  private:
    tag_step tags_;
    deadline_step deadline_;
  };

  /// Uses the ids of some tags for a change.
  class used_tags {
  public:
    used_tags(store_core& in, const tags& names) : in_(in) {
      if (!names.empty())
        in_.forgotten_.tags().use(names.names(), in_.tags_);
    }

    ~used_tags() {
      in_.forgotten_.tags().release(in_.tags_);
      in_.tags_.clear();
    }

    used_tags(const used_tags&) = delete;
    used_tags& operator=(const used_tags&) = delete;

    [[nodiscard]] std::span<const tag_id> ids() const noexcept {
      return in_.tags_;
    }

  private:
    store_core& in_;
  };

  [[nodiscard]] entry_attributes fresh_attributes(const write_options& how);
  [[nodiscard]] entry_attributes
  attributes_for(const write_options& how, const entry* present,
                 std::span<const tag_id> tags = {},
                 inheritance from_old = inheritance::as_told);
  [[nodiscard]] error refusal(put_result why) const;
  put_result place(const table::position& where, const hashed_key& key,
                   bytes_view value, const entry_attributes& with,
                   value_buffer* gathered = nullptr);
  expected<version_number> put(const table::position& where,
                               const hashed_key& key, bytes_view value,
                               const entry_attributes& with);
  void remove(const table::position& where, const hashed_key& key);

  /// What a blind write is to an update under a lease that finds a live entry, or none.
  [[nodiscard]] update_leases::passed passing(const hashed_key& key,
                                              bool present) const {
    return updates_.any() ? passing_update(key, present)
                          : update_leases::passed::blind;
  }

  /// Something was stored under the key.
  void note_stored(bytes_view key) {
    loads_.fence(key);
    absences_.end(key);
  }

  const clock& time_;
  store_options options_;
  std::minstd_rand random_;
  jitter_histogram jitter_;
  load_leases loads_;
  update_leases updates_;
  absences absences_;
  std::vector<tag_id> tags_; ///< Of the change that is being made.
  tag_witness witness_;
  invalidations& forgotten_;
  table table_;
  std::atomic<bool> forgetting_{false}; ///< Set in the shard's turn.

private:
  expected<void> catch_up();
  [[nodiscard]] time_point deadline_for(const write_options& how);
  [[nodiscard]] update_leases::passed passing_update(const hashed_key& key,
                                                     bool present) const;
};

// -- implementation --------------------------------------------------------------

/// What an entry carries that takes nothing over from another and has no tags.
inline entry_attributes store_core::fresh_attributes(const write_options& how) {
  entry_attributes result;
  result.deadline = deadline_for(how);
  if (const auto idle = how.idle.value_or(options_.idle); idle != no_expiry) {
    result.idle = idle;
    result.idle_until = time_.now() + idle;
  }
  return result;
}

} // namespace troupe::memory
