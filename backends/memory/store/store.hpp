#pragma once

// What a memory shard can do: the meaning of every operation, with versions,
// deadlines and leases, over the bare table. The shard calls it one operation
// at a time; reads come from any thread.
//
// Invariants
//   1. Every committed change takes the next version.
//   2. A change voids the load lease of its key in the same step (G3); `erase`
//      and `clear` do so even when there was nothing to remove.
//   3. An operation that returns an error has changed nothing.
//   4. An entry past its deadline (G7), killed by one of its tags, or written
//      before a clear is absent for every operation.
//   5. A change that asks whether a tagged entry lives, or stores one, is one step
//      for invalidations (`tag_step`); so what is made of a value does not survive
//      the invalidation that killed the value.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/memory/store/absences.hpp>
#include <troupe/backends/abilities.hpp>
#include <troupe/backends/changes.hpp>
#include <troupe/backends/edit.hpp>
#include <troupe/backends/leases.hpp>
#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/memory/limits/jitter_histogram.hpp>
#include <troupe/backends/memory/store/leases.hpp>
#include <troupe/backends/memory/store/parked.hpp>
#include <troupe/backends/memory/table/table.hpp>
#include <troupe/backends/memory/tags/tag_registry.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

struct store_options {
  /// Must outlive the store.
  const clock* time = &clock::steady();

  /// For writes that say nothing of their own; see `region_options`.
  ttl_duration ttl = no_expiry;
  ttl_duration idle = no_expiry;
  double jitter = 0.0;

  /// How long an update lease may be held.
  std::chrono::milliseconds update_lease = defaults::op_timeout;

  /// Seeds the jitter; tests fix it.
  std::uint64_t seed = std::random_device{}();

  /// What the store shares with the others of its region; its clock is `time`.
  table_options shared = {};
};

/// Keys are within the limits: the region checked.
class store {
public:
  /// Throws std::bad_alloc.
  explicit store(const store_options& options);
  ~store();

  store(const store&) = delete;
  store& operator=(const store&) = delete;

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

  /// Tells whether a sweep would find anything to look at.
  [[nodiscard]] bool wants_sweep() const noexcept {
    return table_.wants_sweep() || updates_.any() || absences_.any()
           || forgetting();
  }

  // -- the shard's turn --------------------------------------------------------

  /// Does at once what a clear of the region asks for. Has to come first in each
  /// turn: what follows relies on it. Errors: `out_of_memory`, `shutting_down`.
  expected<void> settle() {
    if (!table_.stale()) [[likely]]
      return {};
    return catch_up();
  }

  /// Stores a value; false when the condition does not hold. `gathered`: see
  /// `table::put`.
  expected<bool> set(const hashed_key& key, bytes_view value,
                     const write_options& how,
                     value_buffer* gathered = nullptr);

  /// What there is under the key, to see later whether it has changed. It is no use
  /// of the entry. Throws std::bad_alloc.
  expected<key_state> watch(const hashed_key& key);

  /// Stores many values; misses of the memory overlap. As many keys as values, no
  /// condition. Stops at the first error.
  expected<void> set_many(std::span<const hashed_key> keys,
                          std::span<const bytes_view> values,
                          const write_options& how);

  /// Stores when the live entry's version is `version`, `no_version` meaning
  /// that there is none. The new version, or nothing.
  expected<std::optional<version_number>>
  compare_and_set(const hashed_key& key, version_number version,
                  bytes_view value, const write_options& how,
                  inheritance from_old = inheritance::as_told);

  /// As `compare_and_set`, but removes the entry; tells whether it matched.
  expected<bool> compare_and_erase(const hashed_key& key,
                                   version_number version);

  /// Tells whether there was a live entry.
  expected<bool> erase(const hashed_key& key);

  expected<bool> touch(const hashed_key& key, ttl_duration ttl);

  // The changes of the contract.

  expected<bool> apply(const set_change& x) {
    return set(x.key, x.value, *x.how, x.gathered);
  }

  expected<std::optional<version_number>> apply(const compare_and_set_change& x) {
    return compare_and_set(x.key, x.version, x.value, *x.how, x.from_old);
  }

  expected<bool> apply(const erase_change& x) {
    return erase(x.key);
  }

  expected<bool> apply(const compare_and_erase_change& x) {
    return compare_and_erase(x.key, x.version);
  }

  expected<bool> apply(const touch_change& x) {
    return touch(x.key, x.ttl);
  }

  expected<std::int64_t> apply(const increment_change& x) {
    return increment(x.key, x.delta, x.within);
  }

  /// Adds `delta` to the decimal integer under `key` (absent: 0). The sum's 64
  /// bits: of an std::uint64_t when the range exceeds that of std::int64_t.
  /// Errors: `not_an_integer`, `integer_overflow` (outside of `within`).
  expected<std::int64_t> increment(const hashed_key& key, std::int64_t delta,
                                   const integer_range& within = {});

  /// Calls `f(const entry_view*)`, with nullptr when there is no live entry,
  /// and does what the `expected<edit>` says that it returns. An error of `f`
  /// is returned, and nothing has changed. The call is a use of the entry.
  template <class F>
  expected<void> transform(const hashed_key& key, F&& f) {
    auto where = table_.locate(key);
    const decision made{*this, where, key};
    const auto present = use(where);
    if (!present)
      if (auto ok = confirm_absence(where, key); !ok) [[unlikely]]
        return ok;
    expected<edit> next = f(present ? &*present : nullptr);
    if (!next)
      return tl::unexpected{std::move(next.error())};
    return apply(where, present.has_value(), key, *next);
  }

  /// Puts the value of `source` under `key` of `to`, with its TTL, idle time and,
  /// within a region, tags. It is a use of `source`, which is not the same key of the
  /// same store. In the turn of both; neither waits for an update. A large value is
  /// not copied, and one that moves needs no room: see `table::move`.
  expected<transfer_result> transfer(const hashed_key& source, store& to,
                                     const hashed_key& key,
                                     const transfer_terms& terms);

  /// Removes everything from this store, and voids all leases of loads. To clear
  /// all that share its invalidations, tell those; `settle` does the rest.
  expected<void> clear();

  /// As `clear`, but without memory for an empty table the sweeps try again. True when
  /// it is done.
  bool forget() noexcept;

  /// Whether a `forget` is still to be done.
  [[nodiscard]] bool forgetting() const noexcept {
    return forgetting_.load(std::memory_order_relaxed);
  }

  // -- loads, in the shard's turn ----------------------------------------------

  /// Decides about a key that a reader missed: it is there by now, somebody
  /// loads it, or load `id` may, whose value has `tags` as far as is known. A load
  /// whose tags are known to have been invalidated since it began is not joined.
  expected<load_decision> acquire_load(const hashed_key& key, load_id id,
                                       std::shared_ptr<const load_tags> tags
                                       = nullptr);

  /// Stores what load `id` brought, if it still holds its lease, and ends that. It
  /// was granted at `born`; without a value it found that there is none. On an error
  /// the lease is ended, too.
  expected<load_outcome>
  commit_load(const hashed_key& key, load_id id, std::uint64_t born,
              std::optional<bytes_view> value, const write_options& how);

  /// Ends the lease of a load that brings nothing.
  expected<void> release_load(const hashed_key& key, load_id id);

  /// Tells whether load `id` still holds the key's lease.
  expected<bool> holds_load(const hashed_key& key, load_id id) const;

  /// Voids the leases of all loads: none of them is stored.
  void fence_loads() noexcept {
    loads_.fence_all();
  }

  // -- updates under a lease, in the shard's turn ------------------------------

  /// Takes the key's update lease, which nobody holds, and voids its load
  /// lease: a load that began before must not store in between.
  expected<update_snapshot> begin_update(const hashed_key& key,
                                         std::uint64_t token);

  /// Stores the new value (removes the entry, when it is empty) and ends the
  /// lease, whatever the outcome. The new entry keeps of the old one what `how` does
  /// not name.
  expected<update_outcome>
  commit_update(const hashed_key& key, std::uint64_t token,
                std::optional<bytes_view> value, const write_options& how);

  /// Ends the lease without a change.
  expected<void> abandon_update(const hashed_key& key, std::uint64_t token);

  [[nodiscard]] update_leases& updates() noexcept {
    return updates_;
  }

  // -- housekeeping, in the shard's turn ---------------------------------------

  /// Frees dead entries of some buckets, and overdue update leases.
  void sweep();

  /// The tags of all stores of the region.
  [[nodiscard]] const tag_registry& registry() const noexcept {
    return forgotten_.tags();
  }

  /// As long as it lives, nothing in the region is invalidated or cleared, but by this
  /// thread. For one turn in several stores of a region.
  [[nodiscard]] tag_step keep_out_invalidations() noexcept {
    return tag_step{forgotten_.tags(), witness_};
  }

  // -- a turn that has to have room for all that it stores, or not to begin -----

  /// Whether there is a limit that could refuse a value.
  [[nodiscard]] bool limited() const noexcept {
    return table_.limited();
  }

  /// Whether both borrow what they hold from the same budgets.
  [[nodiscard]] bool shares_limits_with(const store& other) const noexcept {
    return table_.shares_limits_with(other.table_);
  }

  /// What is under a key. Errors: those of `settle`.
  [[nodiscard]] expected<occupancy> occupied_by(const hashed_key& key) {
    return settle().map([&] { return table_.occupied_by(key); });
  }

  /// Error: `value_too_large` where no limit admits an entry with this charge.
  [[nodiscard]] expected<void> admit(std::size_t charge) const;

  /// Sees to it that the coming changes of this turn have room where nothing is
  /// evicted; until `end_reservation`. Error: `limit_reached`, and has changed nothing.
  [[nodiscard]] expected<void> reserve(const demand& coming);

  void end_reservation() noexcept {
    table_.end_reservation();
  }

  /// The table, to be told of limits.
  [[nodiscard]] table& limits() noexcept {
    return table_;
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

private:
  expected<void> catch_up();

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

  /// Of a change that depends on whether there is a live entry at `where`, or that
  /// stores tags (`tagging`). From before it looks until what it made can be seen:
  /// nothing comes in between that would tell otherwise.
  class decision {
  public:
    decision(store& in, const table::position& where, const hashed_key& key,
             bool tagging = false, std::size_t which = 0) noexcept
      : tags_(in.forgotten_.tags(), in.witness_, tagging || tagged(where)),
        deadline_(in.table_.decide(where, key.hash, which)) {
      // nop
    }

  private:
    tag_step tags_;
    deadline_step deadline_;
  };

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

  [[nodiscard]] expected<bool> look(table::position& where,
                                    const hashed_key& key);

  /// Uses the ids of some tags for a change.
  class used_tags;

  [[nodiscard]] time_point deadline_for(const write_options& how);
  [[nodiscard]] entry_attributes
  attributes_for(const write_options& how, const entry* present,
                 std::span<const tag_id> tags = {},
                 inheritance from_old = inheritance::as_told);
  [[nodiscard]] update_leases::passed passing(const hashed_key& key,
                                              bool present) const;
  [[nodiscard]] entry_attributes fresh_attributes(const write_options& how);
  expected<bool> set_looking(const hashed_key& key, bytes_view value,
                             const write_options& how, value_buffer* gathered);
  [[nodiscard]] error refusal(put_result why) const;
  put_result place(const table::position& where, const hashed_key& key,
                   bytes_view value, const entry_attributes& with,
                   value_buffer* gathered = nullptr);
  expected<version_number> put(const table::position& where,
                               const hashed_key& key, bytes_view value,
                               const entry_attributes& with);
  void remove(const table::position& where, const hashed_key& key);
  expected<void> splice(const table::position& where, bool present,
                        const hashed_key& key, const edit& next);
  expected<void> apply(const table::position& where, bool present,
                       const hashed_key& key, const edit& next);

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
};

} // namespace troupe::memory
