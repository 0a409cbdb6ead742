#pragma once

// The parts of a store, how it is read and cleared, and the steps of its changes. The
// invariants are at the head of store.hpp.

#include <atomic>
#include <chrono>
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
#include <troupe/messages/types/events/key_event.hpp>
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

  /// Calls `f(const entry_view&)` when the key has a live entry; returns whether it has
  /// one. A miss is an answer only when `stopped` is false afterwards.
  template <class F>
  [[gnu::always_inline]] bool read(const hashed_key& key, F&& f,
                                   lookup as = lookup::use) const {
    epoch_guard guard;
    return table_.read(key, as, std::forward<F>(f));
  }

  /// Whether the invalidations that it shares were stopped: nothing is found or changed
  /// any more.
  [[nodiscard]] bool stopped() const noexcept {
    return table_.stopped();
  }

  /// Calls `f(bytes_view key, const entry_view&)` for the live entries at a position of
  /// the table, and returns the next position; see `table::scan`. Does not count as a
  /// use of the entries.
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

  /// Prefetches what a write of a key with this hash will touch.
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

  /// Whether a `forget` must still be done.
  [[nodiscard]] bool forgetting() const noexcept {
    return forgetting_.load(std::memory_order_relaxed);
  }

  // -- the shard's turn --------------------------------------------------------

  /// Applies a clear of the region that came meanwhile. Must come first in each turn,
  /// because all other operations rely on it. Errors: `out_of_memory`, `shutting_down`.
  expected<void> settle() {
    if (!table_.stale()) [[likely]]
      return {};
    return catch_up();
  }

  /// Removes all entries of this store, and voids all leases of loads. To clear all
  /// stores that share its invalidations, call those; `settle` does the rest.
  expected<void> clear();

  /// Like `clear`, but without memory for an empty table the sweeps try again. True
  /// when it is done.
  bool forget() noexcept;

  /// The tags of all stores of the region.
  [[nodiscard]] const tag_registry& registry() const noexcept {
    return forgotten_.tags();
  }

  /// While the result lives, nothing in the region is invalidated or cleared, except by
  /// this thread. For one turn in several stores of a region.
  [[nodiscard]] tag_step keep_out_invalidations() noexcept {
    return tag_step{forgotten_.tags(), witness_};
  }

  /// The options that apply where a write sets none.
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

  // -- the present entry of a key ----------------------------------------------

  [[nodiscard]] bool live(const table::position& where) const noexcept {
    return where.item != nullptr && !table_.dead(*where.item);
  }

  /// The view of the live entry at `where`; counts as a use of it.
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

  /// For a change that found no live entry at `where` and depends on that. A dead entry
  /// there may have died after a clear that came during this turn; the change would see
  /// what followed the clear and then be lost to it. So it applies the clear first, and
  /// updates `where`.
  expected<void> confirm_absence(table::position& where,
                                 const hashed_key& key) {
    if (where.item == nullptr || !table_.stale()) [[likely]]
      return {};
    return catch_up().map([&] { where = table_.locate(key); });
  }

  // -- the steps of a change ---------------------------------------------------

  /// For a change that depends on whether there is a live entry at `where`, or that
  /// stores tags (`tagging`). It lives from before the look at the entry until the
  /// change can be seen: meanwhile, the answer cannot change.
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

  /// Uses the ids of a change's tags while it lives.
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
  void set_moments(entry_attributes& to, const write_options& how,
                   std::chrono::nanoseconds ttl);
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

  /// What a blind write that finds a live entry, or none, means to an update under a
  /// lease.
  [[nodiscard]] update_leases::passed passing(const hashed_key& key,
                                              bool present) const {
    return updates_.any() ? passing_update(key, present)
                          : update_leases::passed::blind;
  }

  /// Records that a value was stored under the key.
  void note_stored(bytes_view key) {
    // Nearly always there is no load in flight, and a write pays one branch.
    if ((loads_.size() | std::size_t{options_.record_sets}) != 0) [[unlikely]]
      note_loads_and_events(key);
    absences_.end(key);
  }

  void fence(bytes_view key, key_event_kind why);
  void fence_all(key_event_kind why) noexcept;

  const clock& time_;
  store_options options_;
  std::minstd_rand random_;
  jitter_histogram jitter_;
  load_leases loads_;
  update_leases updates_;
  absences absences_;
  std::vector<tag_id> tags_; ///< Of the change in progress.
  tag_witness witness_;
  invalidations& forgotten_;
  table table_;
  std::atomic<bool> forgetting_{false}; ///< Set in the shard's turn.

private:
  expected<void> catch_up();
  void set_ttl(entry_attributes& to, const write_options& how, ttl_duration x);
  expected<void> make_empty();
  void note_loads_and_events(bytes_view key);
  [[nodiscard]] update_leases::passed passing_update(const hashed_key& key,
                                                     bool present) const;
};

// -- implementation --------------------------------------------------------------

/// The attributes of an entry without tags that inherits nothing from another entry.
inline entry_attributes store_core::fresh_attributes(const write_options& how) {
  entry_attributes result;
  // Most writes have no TTL, and pay no call.
  if (const auto ttl = how.ttl.value_or(options_.ttl); ttl != no_expiry)
    set_ttl(result, how, ttl);
  if (const auto idle = how.idle.value_or(options_.idle); idle != no_expiry) {
    result.idle = idle;
    result.idle_until = time_.now() + idle;
  }
  return result;
}

} // namespace troupe::memory
