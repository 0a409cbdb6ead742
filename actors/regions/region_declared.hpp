#pragma once

// A region at the level of encoded bytes. `cache<V>` adds a codec to it; the server and
// the typed messages use it directly.
//
//   read    → the provider; a hit in memory is inlined: no mailbox, no lock
//   write   → the provider, in memory a turn of the key's shard
//   load    → the provider grants a lease or joins a load; the coordinator runs it
//   update  → the caller's function outside the provider, committed by version
//
// The provider decides where the bytes live (backends/provider.hpp). This header declares
// the region, for callers of its plain functions. The templates
// (`visit`, `visit_many`, `transform`) have the memory provider inlined: their callers
// include region.hpp, which defines them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <troupe/actors/loads/load_in_flight.hpp>
#include <troupe/actors/loads/load_target.hpp>
#include <troupe/actors/regions/region_arguments.hpp>
#include <troupe/actors/regions/region_loads.hpp>
#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

class value_buffer;

} // namespace troupe::memory

namespace troupe {

class load_coordinator;
class different_keys;

/// A named cache of encoded bytes. Thread-safe. `runtime::open` makes it; it lives as
/// long as a handle refers to it. After the runtime drained, all operations return
/// `shutting_down`, reads included; `size` and `stats` then count no keys.
///
/// Keys are given with or without their hash. Errors of every operation that takes a
/// key: `key_too_large`, `shutting_down`. Errors of every write: also `timeout` (the
/// shard was restarting for longer than `op_timeout`), `shard_down`, `out_of_memory`.
/// After an error nothing has changed (G10).
///
/// Per key, writes are totally ordered and reads are linearizable: a read that starts
/// after a write returned sees that write or a later one (G1).
class region final : public region_loads,
                     public std::enable_shared_from_this<region> {
public:
  /// Use `runtime::open`. `options` are complete (`with_defaults`). `provider` was made
  /// with them and with `time`, which outlives the region. `counts` is the range of
  /// `increment`; empty for values that are not integers.
  region(std::string name, const region_options& options, const clock& time,
         std::shared_ptr<troupe::provider> provider,
         std::shared_ptr<load_coordinator> loads,
         std::optional<integer_range> counts = integer_range{},
         std::shared_ptr<circuit_breaker> breaker = nullptr);

  /// See `joint_turn_ability`.
  expected<key_state> watch(const hashed_key& key) const;
  expected<bool> unchanged(const hashed_key& key, const key_state& since) const;

  // -- writing (G1, G3, G6) --------------------------------------------------------
  // A write that changes the key voids the lease of a load in flight for the key;
  // `erase` and `clear` void it in any case. The waiters of a voided load get its
  // result; it is not stored.

  /// Stores `value`. False when the condition does not hold. Errors: `value_too_large`,
  /// `invalid_argument`.
  expected<bool> set(const hashed_key& key, bytes_view value,
                     const write_options& how = {});

  /// The same for a large value in a buffer that becomes the entry's memory, so that it
  /// is not copied. After it is stored, or after `out_of_memory`, `value` may be empty.
  expected<bool> set(const hashed_key& key, memory::value_buffer& value,
                     const write_options& how = {});

  /// Stores all items; the items of one shard take one turn of its mailbox: prefer it
  /// to single writes. Each key is stored on its own; this is not one step. Of two
  /// values for one key, the later one stays. After an error of a shard, values of
  /// other shards may have been stored. Errors: those of `set`, before anything is
  /// stored; `invalid_argument` also for a condition or `keep_ttl`.
  expected<void> set_many(std::span<const key_value> items,
                          const write_options& how = {});

  /// Stores `value` unless the key has a live entry. Returns whether it stored it.
  expected<bool> set_if_absent(const hashed_key& key, bytes_view value,
                               write_options how = {});

  /// Stores `value` when the entry's version is `version` (`no_version`: when the key
  /// is absent). Returns the new version, or nothing when the entry has another
  /// version. Errors: those of `set`; `invalid_argument` also for a condition.
  expected<std::optional<version_number>>
  compare_and_set(const hashed_key& key, version_number version,
                  bytes_view value, const write_options& how = {});

  /// Removes the entry. Returns whether there was a live one.
  expected<bool> erase(const hashed_key& key);

  /// Removes the entry when its version is `version`. False when it has another
  /// version, or when there is no entry.
  expected<bool> compare_and_erase(const hashed_key& key,
                                   version_number version);

  /// Gives a live entry a new TTL, exactly, without jitter; `no_expiry`: it does not
  /// expire. Returns whether there was a live entry. The entry keeps its idle time,
  /// which starts anew.
  expected<bool> touch(const hashed_key& key, ttl_duration ttl);

  /// Adds `delta` to the decimal integer under `key` (0 when absent) and returns the
  /// sum. A present entry keeps the end of its TTL and its idle time, which starts
  /// anew; a new entry gets the region's. Errors: `not_an_integer` (also when the
  /// region's values are not integers), `integer_overflow` (the sum is outside of
  /// std::int64_t or of the type of the region's values).
  expected<std::int64_t> increment(const hashed_key& key,
                                   std::int64_t delta = 1);

  /// The same with a range, which should be that of the region's values. Returns the
  /// sum's 64 bits; see `increment_change`.
  expected<std::int64_t> increment(const hashed_key& key, std::int64_t delta,
                                   const integer_range& within);

  /// Calls `f(const entry_view* present)`, with nullptr for a key without a live entry,
  /// and applies the `expected<edit>` that it returns, as one step: no other change
  /// comes in between. In memory, `f` runs at most once, in the shard's turn, perhaps
  /// on another thread. It must be brief, call nothing that waits for a shard, no clear
  /// and no `invalidate_tag`, and throw nothing but std::bad_alloc. For longer work use
  /// `update`. Errors: those that `f` returns, `value_too_large`, `invalid_argument`
  /// (also for a condition).
  template <class F>
  expected<void> transform(const hashed_key& key, F&& f);

  /// Moves the live entry of `from` to the key `to`, with TTL, idle time and tags; with
  /// `if_absent`, only if `to` has no live entry. The time does not depend on the size
  /// of a large value. Needs no room under a limit and evicts entries only for what a
  /// longer key takes. For writers both keys change in one step; readers may see one
  /// change before the other. Within a joint turn of both keys it is a part of that
  /// turn. Errors: `invalid_argument` when the keys are equal; `unsupported` without
  /// joint turns.
  expected<transfer_result> rename(const hashed_key& from, const hashed_key& to,
                                   bool if_absent = false);

  /// Gives `to`, a key of `target`, the value of `from`, with TTL, idle time and,
  /// within the region, tags; otherwise like `rename`. Both entries share a large
  /// value, and each is charged for it.
  expected<transfer_result> copy(const hashed_key& from, region& target,
                                 const hashed_key& to, bool if_absent = false);

  // -- loading and updating (G2, G3) -------------------------------------------

  /// Returns the value of `key`. When it is absent, one `loader` runs and all callers
  /// that ask meanwhile get its result, or nothing when the loader found no value. A
  /// caller that asks after an invalidation does not get a value loaded before it:
  /// another load follows. Errors: `load_failed`, `load_timeout`, `load_cancelled`,
  /// `load_cycle` (the loader waits for itself), `circuit_open`, `overloaded` (no loader
  /// thread within `queue_timeout`, `max_loads`, `max_load_waiters`), `invalid_argument`
  /// (also for a condition, even when the key is present).
  expected<std::optional<bytes>>
  get_or_set(const hashed_key& key, const load_function& loader,
             const write_options& how = {}, const load_terms& terms = {});

  /// The same; says how the value came about.
  load_answer get_or_load(const hashed_key& key, const load_function& loader,
                          const write_options& how = {},
                          const load_terms& terms = {});

  /// The part of `get_or_load` after the read, for a key that the caller found absent.
  /// Only without `has_moments`.
  load_answer load_missing(const hashed_key& key, const load_function& loader,
                           const write_options& how,
                           const load_terms& terms = {});
  expected<std::vector<load_answer>>
  load_missing_many(std::span<const bytes_view> keys, const bulk_loader& loader,
                    const write_options& how, const load_terms& terms = {});

  /// `get_or_load` for several keys, in order, with one call of `loader` for all of them
  /// that no other call loads. A key may occur twice. Errors of a load are key answers.
  expected<std::vector<load_answer>>
  get_or_load_many(std::span<const bytes_view> keys, const bulk_loader& loader,
                   const write_options& how = {}, const load_terms& terms = {});

  /// Replaces the value by the result of `f`, atomically, and returns the new value
  /// (nothing when `f` chose to erase). The entry keeps the end of its TTL, its idle
  /// time, which starts anew, and its tags, each unless `how` sets it; a new entry gets
  /// the region's defaults. No concurrent update is lost: after
  /// `defaults::update_races` lost races the call takes the key's update lease. When
  /// the value that `f` received is invalidated meanwhile, the update counts as earlier
  /// than the invalidation: its result is returned and not stored, or `f` is called
  /// again. Errors: those that `f` returns, `update_failed` when it throws, `load_cycle`
  /// for an update or a load of the key from inside `f`, `invalid_argument` (also for a
  /// condition).
  expected<std::optional<bytes>> update(const hashed_key& key,
                                        const bytes_updater& f,
                                        const write_options& how = {});

  // -- the same without waiting ------------------------------------------------
  // `done` is called once: on this thread, or in the shard's turn. It must be brief,
  // not throw, and call nothing that waits for a shard. Errors: also `overloaded`, when
  // the shard's mailbox or the loaders' queue is full.

  void set_then(carried_key key, bytes value, write_options how,
                completion<bool> done);
  void compare_and_set_then(carried_key key, version_number version,
                            bytes value, write_options how,
                            completion<std::optional<version_number>> done);
  void erase_then(carried_key key, completion<bool> done);
  void compare_and_erase_then(carried_key key, version_number version,
                              completion<bool> done);
  void touch_then(carried_key key, ttl_duration ttl, completion<bool> done);
  void increment_then(carried_key key, std::int64_t delta,
                      const integer_range& within,
                      completion<std::int64_t> done);
  void get_or_set_then(carried_key key, load_function loader, write_options how,
                       completion<std::optional<bytes>> done,
                       const load_terms& terms = {});

  /// The part of `get_or_set_then` after the read.
  void load_missing_then(carried_key key, load_function loader,
                         write_options how,
                         completion<std::optional<bytes>> done,
                         const load_terms& terms = {});

  /// With `look`, reads the keys first; otherwise the caller found them absent.
  void get_or_load_many_then(std::span<const bytes_view> keys, bool look,
                             bulk_loader loader, const write_options& how,
                             completion<std::vector<load_answer>> done);

  /// Like `update`; `f` runs on a loader thread.
  void update_then(carried_key key, bytes_updater f, write_options how,
                   completion<std::optional<bytes>> done);

  /// A new load id of the runtime, for a caller that takes a lease from the provider
  /// itself, without a loader (`provider::acquire_load`).
  [[nodiscard]] load_id next_load_id() const noexcept;

private:
  template <class Change>
  expected<typename Change::result> apply(const Change& what);
  template <class Change>
  void apply_then(carried<Change> what,
                  completion<typename Change::result> done);
  expected<transfer_result> transfer(const hashed_key& from, region& target,
                                     const hashed_key& to,
                                     const transfer_terms& terms);
  expected<std::optional<load_answer>> read_usable(const hashed_key& key,
                                                   bool& refreshes) const;
  expected<void> find_missing(std::span<const bytes_view> keys, bool look,
                              different_keys& missing,
                              const bulk_loader& loader,
                              const write_options& how);
  expected<std::optional<bytes>> update_under_lease(const hashed_key& key,
                                                    const bytes_updater& f,
                                                    const write_options& how);
};

} // namespace troupe
