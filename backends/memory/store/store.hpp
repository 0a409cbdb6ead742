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
//
// It is made of layers, each of which knows those above it in this list only:
//
//   core.hpp         what the store consists of; reads, clears, the steps of a change
//   loads.hpp        leases of loads
//   updates.hpp      updates under a lease
//   store.hpp        all other changes, housekeeping, room for a turn of several stores:
//     store.cpp      changes that `changes.hpp` has as data, sweeps
//     increment.cpp  decimal integers
//     edits.cpp      functions that see the entry; values that come under another key

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
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

/// Keys are within the limits: the region checked.
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

  /// Adds `delta` to the decimal integer under `key` (absent: 0). The sum's 64
  /// bits: of an std::uint64_t when the range exceeds that of std::int64_t.
  /// Errors: `not_an_integer`, `integer_overflow` (outside of `within`).
  expected<std::int64_t> increment(const hashed_key& key, std::int64_t delta,
                                   const integer_range& within = {});

  // The same, as the contract has them (backends/changes.hpp).

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
    return carry_out(where, present.has_value(), key, *next);
  }

  /// Puts the value of `source` under `key` of `to`, with its TTL, idle time and,
  /// within a region, tags. It is a use of `source`, which is not the same key of the
  /// same store. In the turn of both; neither waits for an update. A large value is
  /// not copied, and one that moves needs no room: see `table::move`.
  expected<transfer_result> transfer(const hashed_key& source, store& to,
                                     const hashed_key& key,
                                     const transfer_terms& terms);

  // -- housekeeping, in the shard's turn ---------------------------------------

  /// Frees dead entries of some buckets, and overdue update leases.
  void sweep();

  /// Tells whether a sweep would find anything to look at. From any thread.
  [[nodiscard]] bool wants_sweep() const noexcept {
    return table_.wants_sweep() || updates_.any() || absences_.any()
           || forgetting();
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

private:
  expected<bool> set_looking(const hashed_key& key, bytes_view value,
                             const write_options& how, value_buffer* gathered);
  expected<void> splice(const table::position& where, bool present,
                        const hashed_key& key, const edit& next);
  expected<void> carry_out(const table::position& where, bool present,
                           const hashed_key& key, const edit& next);
};

} // namespace troupe::memory
