#pragma once

// The operations of a memory shard: what each one means, with versions, deadlines and
// leases, over the bare table. The shard calls it one operation at a time; reads come
// from any thread.
//
// Invariants
//   1. Every committed change takes the next version.
//   2. A change voids the load lease of its key in the same step (G3); `erase` and
//      `clear` do so even when there was nothing to remove.
//   3. An operation that returns an error has changed nothing.
//   4. An entry past its deadline (G7), killed by one of its tags, or written before a
//      clear is absent for every operation.
//   5. A change that depends on whether a tagged entry lives, or stores one, is one
//      step for invalidations (`tag_step`); so a value made from another one does not
//      survive the invalidation that killed that other value.
//
// It consists of layers; each knows only those above it in this list:
//
//   core.hpp         the parts of the store; reads, clears, the steps of a change
//   loads.hpp        leases of loads
//   updates.hpp      updates under a lease
//   store.hpp        all other changes, housekeeping, room for a joint turn:
//     store.cpp      the changes of `changes.hpp`, sweeps
//     increment.cpp  decimal integers
//     edits.cpp      functions that see the entry; transfers of values to another key
//     explaining.cpp why a key is in its state

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <troupe/backends/abilities.hpp>
#include <troupe/backends/changes.hpp>
#include <troupe/backends/edit.hpp>
#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/memory/limits/demand.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>
#include <troupe/backends/memory/store/absences.hpp>
#include <troupe/backends/memory/store/store_options.hpp>
#include <troupe/backends/memory/store/updates.hpp>
#include <troupe/backends/memory/table/table.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/events/explanation.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

/// The region has checked that keys are within its limits.
class store : public store_updates {
public:
  /// Throws std::bad_alloc.
  explicit store(const store_options& options) : store_updates(options) {
    // nop
  }

  // -- changes, in the shard's turn --------------------------------------------

  /// Stores a value; false when the condition does not hold. `gathered`: see
  /// `table::put`.
  expected<bool> set(const hashed_key& key, bytes_view value,
                     const write_options& how,
                     value_buffer* gathered = nullptr);

  /// Returns the state of the key, to find out later whether it has changed. Does not
  /// count as a use of the entry. Throws std::bad_alloc.
  expected<key_state> watch(const hashed_key& key);

  /// Stores many values; their cache misses overlap. There must be as many keys as
  /// values, and no condition. Stops at the first error.
  expected<void> set_many(std::span<const hashed_key> keys,
                          std::span<const bytes_view> values,
                          const write_options& how);

  /// Stores when the live entry's version is `version`; `no_version`: when there is no
  /// live entry. Returns the new version, or nothing.
  expected<std::optional<version_number>>
  compare_and_set(const hashed_key& key, version_number version,
                  bytes_view value, const write_options& how,
                  inheritance from_old = inheritance::as_told);

  /// Like `compare_and_set`, but removes the entry; returns whether the version
  /// matched.
  expected<bool> compare_and_erase(const hashed_key& key,
                                   version_number version);

  /// Removes the entry; returns whether there was a live one.
  expected<bool> erase(const hashed_key& key);

  expected<bool> touch(const hashed_key& key, ttl_duration ttl);

  /// Adds `delta` to the decimal integer under `key` (0 when absent). Returns the sum's
  /// 64 bits, as an std::uint64_t when the range exceeds std::int64_t. Errors:
  /// `not_an_integer`, `integer_overflow` (outside of `within`).
  expected<std::int64_t> increment(const hashed_key& key, std::int64_t delta,
                                   const integer_range& within = {});

  // The same in the form of backends/changes.hpp.

  expected<bool> apply(const set_change& x) {
    return set(x.key, x.value, *x.how, x.gathered);
  }

  expected<std::optional<version_number>>
  apply(const compare_and_set_change& x) {
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

  /// Calls `f(const entry_view*)`, with nullptr when there is no live entry, and
  /// applies the `expected<edit>` that it returns. An error of `f` is returned, and
  /// nothing has changed. Counts as a use of the entry.
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
    return carry_out(where, present.has_value(), key, *next);
  }

  /// Puts the value of `source` under `key` of `to`, with its TTL, idle time and,
  /// within a region, tags. Counts as a use of `source`, which must not be the same key
  /// of the same store. In the turn of both stores; it does not wait for updates. A
  /// large value is not copied, and one that moves needs no room: see `table::move`.
  expected<transfer_result> transfer(const hashed_key& source, store& to,
                                     const hashed_key& key,
                                     const transfer_terms& terms);

  // -- looking back, in the shard's turn ---------------------------------------

  /// The state of a key, and the events that this store recorded for it, newest first.
  /// Does not count as a use of the entry. Throws std::bad_alloc.
  expected<explanation> explain(const hashed_key& key);

  // -- housekeeping, in the shard's turn ---------------------------------------

  /// Frees dead entries of some buckets, and overdue update leases.
  void sweep();

  /// Whether a sweep would have work. From any thread.
  [[nodiscard]] bool wants_sweep() const noexcept {
    return table_.wants_sweep() || updates_.any() || absences_.any()
           || forgetting();
  }

  // -- a turn that must have room for all that it stores ------------------------

  /// Whether a limit could refuse a value.
  [[nodiscard]] bool limited() const noexcept {
    return table_.limited();
  }

  /// Whether both borrow from the same budgets.
  [[nodiscard]] bool shares_limits_with(const store& other) const noexcept {
    return table_.shares_limits_with(other.table_);
  }

  /// The present state of a key. Errors: those of `settle`.
  [[nodiscard]] expected<occupancy> occupied_by(const hashed_key& key) {
    return settle().map([&] { return table_.occupied_by(key); });
  }

  /// Errors: `value_too_large` when no limit admits an entry with this charge.
  [[nodiscard]] expected<void> admit(std::size_t charge) const;

  /// Reserves room for the coming changes of this turn where nothing is evicted, until
  /// `end_reservation`. Errors: `limit_reached`; nothing has changed then.
  [[nodiscard]] expected<void> reserve(const demand& coming);

  void end_reservation() noexcept {
    table_.end_reservation();
  }

  /// The table, for changes of its limits.
  [[nodiscard]] table& limits() noexcept {
    return table_;
  }

private:
  void explain_entry(const entry& item, explanation& to);
  void explain_load(const hashed_key& key, explanation& to) const;
  expected<bool> set_looking(const hashed_key& key, bytes_view value,
                             const write_options& how, value_buffer* gathered);
  expected<void> splice(const table::position& where, bool present,
                        const hashed_key& key, const edit& next);
  expected<void> carry_out(const table::position& where, bool present,
                           const hashed_key& key, const edit& next);
};

} // namespace troupe::memory
