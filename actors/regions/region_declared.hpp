#pragma once

// A region at the level of encoded bytes: what `cache<V>` wraps with a codec,
// what the server speaks, and what the typed messages end in.
//
//   read    → the provider; a hit in memory is inlined: no mailbox, no lock
//   write   → the provider, in memory a turn of the key's shard
//   load    → the provider grants a lease or joins a load; the coordinator runs it
//   update  → the caller's function outside the provider, committed by version
//
// Where the bytes live is the provider's affair (backends/provider.hpp).
//
// This header declares the region, for callers of its plain functions. The templates
// (`visit`, `visit_many`, `transform`) have the memory provider inlined: callers of those
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

#include <troupe/actors/loads/load_target.hpp>
#include <troupe/actors/regions/region_reads.hpp>
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

/// Makes a new encoded value from the present one (nothing when the key is
/// absent); returns nothing to erase the key, or to leave it absent. Runs on
/// the calling thread, outside the shard, possibly several times.
using bytes_updater = std::function<expected<std::optional<bytes>>(
  std::optional<bytes_view> present)>;

/// One of the items of `region::set_many`; borrowed.
struct key_value {
  bytes_view key;
  bytes_view value;
};

/// `how` with the condition that the key is absent. Errors: `invalid_argument`, when it
/// has the opposite one.
[[nodiscard]] expected<write_options> unless_present(write_options how);

/// A named cache of encoded bytes. Thread-safe; made by `runtime::open`, and
/// alive as long as a handle of it. After the runtime drained, operations,
/// reads included, answer `shutting_down`; `size` and `stats` then count no keys.
///
/// Keys are given with or without their hash. Errors of every operation that takes a key:
/// `key_too_large`, `shutting_down`; of every write also `timeout` (shard restarting for
/// longer than `op_timeout`), `shard_down`, `out_of_memory`. After an error nothing has
/// changed (G10).
///
/// Per key, writes are totally ordered and reads are linearizable: a read that
/// starts after a write returned sees that write or a later one (G1).
class region final : public region_reads,
                     public load_target,
                     public std::enable_shared_from_this<region> {
public:
  /// Use `runtime::open`. `options` are complete (`with_defaults`); `provider` was made
  /// with them and with `time`, which outlives the region. `counts` is what `increment`
  /// may store, empty for values that are no integers.
  region(std::string name, const region_options& options, const clock& time,
         std::shared_ptr<troupe::provider> provider,
         std::shared_ptr<load_coordinator> loads,
         std::optional<integer_range> counts = integer_range{});

  [[nodiscard]] const std::string& name() const noexcept override {
    return name_;
  }

  /// The options it was opened with, completed: what was left open is filled in.
  [[nodiscard]] const region_options& options() const noexcept override {
    return options_;
  }

  /// See `joint_turn_ability`.
  expected<key_state> watch(const hashed_key& key) const;
  expected<bool> unchanged(const hashed_key& key, const key_state& since) const;

  // -- writing (G1, G3, G6) --------------------------------------------------------
  // Each voids the lease of a load in flight for its key when it changes the
  // key, and `erase` and `clear` in any case: what the loader brings after that
  // is handed to its waiters and not stored.

  /// Stores `value`. False when the condition did not hold.
  /// Errors: `value_too_large`, `invalid_argument`.
  expected<bool> set(const hashed_key& key, bytes_view value,
                     const write_options& how = {});

  /// The same for a large value that was gathered in memory that becomes its
  /// entry's, so that it is not copied. Once it is stored, or after
  /// `out_of_memory`, `value` may be empty.
  expected<bool> set(const hashed_key& key, memory::value_buffer& value,
                     const write_options& how = {});

  /// Stores all of them, those of one shard in one turn of its mailbox: prefer it to
  /// single writes. Each key is stored on its own; this is not one step. Of two
  /// values for one key the later one stays. After an error of a shard, values
  /// for others may have been stored. Errors: as `set`, before anything is
  /// stored; `invalid_argument` also for a condition or `keep_ttl`.
  expected<void> set_many(std::span<const key_value> items,
                          const write_options& how = {});

  /// Stores `value` unless the key has a live entry; tells whether it did.
  expected<bool> set_if_absent(const hashed_key& key, bytes_view value,
                               write_options how = {});

  /// Stores `value` when the entry's version is `version` (`no_version`: when
  /// the key is absent). The new version, or nothing when it was another. Errors:
  /// as `set`; `invalid_argument` also for a condition.
  expected<std::optional<version_number>>
  compare_and_set(const hashed_key& key, version_number version,
                  bytes_view value, const write_options& how = {});

  /// Removes the entry; tells whether there was a live one.
  expected<bool> erase(const hashed_key& key);

  /// Removes the entry when its version is `version`, so that a newer one stays.
  /// False when it was another, or when there was none.
  expected<bool> compare_and_erase(const hashed_key& key,
                                   version_number version);

  /// Gives a live entry a new TTL (exactly, without jitter), `no_expiry` to
  /// keep it for good; tells whether there was one. It keeps its idle time, which
  /// starts anew.
  expected<bool> touch(const hashed_key& key, ttl_duration ttl);

  /// Adds `delta` to the decimal integer under `key` (absent: 0) and returns
  /// the sum. A present entry keeps the end of its TTL and its idle time, which
  /// starts anew; a new one gets those of the region. Errors: `not_an_integer`
  /// (also when the region's values are no integers), `integer_overflow` (the sum
  /// is outside of std::int64_t or of the type of the region's values).
  expected<std::int64_t> increment(const hashed_key& key,
                                   std::int64_t delta = 1);

  /// The same with a range of the caller's, which should be that of the values.
  /// The sum's 64 bits; see `increment_change`.
  expected<std::int64_t> increment(const hashed_key& key, std::int64_t delta,
                                   const integer_range& within);

  /// Calls `f(const entry_view* present)`, nullptr for a key without a live
  /// entry, and does what it answers, an `expected<edit>`, as one step: no other
  /// change comes in between. In memory `f` runs at most once, in the shard's turn and
  /// perhaps on another thread; so it must be brief, call nothing that waits for a
  /// shard, nor a clear or `invalidate_tag`, and throw nothing but std::bad_alloc.
  /// For work that takes longer there is `update`. Errors: what `f` returns,
  /// `value_too_large`, `invalid_argument` (also for a condition).
  template <class F>
  expected<void> transform(const hashed_key& key, F&& f);

  /// Gives the live entry of `from` the key `to`, with TTL, idle time and tags; with
  /// `if_absent`, only if `to` has no live entry. Takes no longer for a large value,
  /// needs no room under a limit, and evicts nothing but for what a longer key takes.
  /// Both keys change as one for all writers; readers see one after the other. Within
  /// a joint turn that has both keys it is a part of that. Errors: `invalid_argument`
  /// when the keys are the same; `unsupported`, without joint turns.
  expected<transfer_result> rename(const hashed_key& from, const hashed_key& to,
                                   bool if_absent = false);

  /// Gives `to`, a key of `target`, the value of `from`, with TTL, idle time and,
  /// within the region, tags; else as `rename`. A large value is there once, but each
  /// key is charged for it.
  expected<transfer_result> copy(const hashed_key& from, region& target,
                                 const hashed_key& to, bool if_absent = false);

  // -- loading and updating (G2, G3) -------------------------------------------

  /// The value of `key`; when absent, of one run of `loader` for all that ask
  /// meanwhile, or nothing when the loader found none. A caller that asks after an
  /// invalidation does not get what was loaded before it: a load that turns out to
  /// be older is followed by another one. Must not be called from a loader for the
  /// same key.
  /// Errors: `load_failed`, `load_timeout`, `load_cancelled`, `overloaded` (no loader
  /// thread within `queue_timeout`), `invalid_argument` (also for a condition, and
  /// also when the key is there).
  expected<std::optional<bytes>> get_or_set(const hashed_key& key,
                                            bytes_loader loader,
                                            const write_options& how = {});

  /// The part of `get_or_set` after its look: for a key that a caller has missed.
  expected<std::optional<bytes>> load_missing(const hashed_key& key,
                                              bytes_loader loader,
                                              const write_options& how);

  /// Replaces the value by what `f` makes of it, atomically, and returns the
  /// new value (nothing when `f` chose to erase). The entry keeps the end of its TTL,
  /// its idle time, which starts anew, and its tags, each unless `how` names another;
  /// a new one gets what the region says. Loses no concurrent update: after
  /// `defaults::update_races` lost races it takes the key's update lease. When the
  /// value that `f` was given is invalidated meanwhile, the update counts as before
  /// that: its result is returned and not stored, or `f` is called again.
  /// Errors: what `f` returns, `update_failed` when it throws, `invalid_argument`
  /// (also for a condition).
  expected<std::optional<bytes>> update(const hashed_key& key,
                                        const bytes_updater& f,
                                        const write_options& how = {});

  // -- the same without waiting ------------------------------------------------
  // `done` is called once: on this thread, or in the shard's turn. It must be brief, not
  // throw, and call nothing that waits for a shard. Errors: also `overloaded`, when the
  // shard's mailbox or the loaders' queue is full. Keys: see `carried_key`.

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
  void get_or_set_then(carried_key key, bytes_loader loader, write_options how,
                       completion<std::optional<bytes>> done);

  /// The part of it after the look.
  void load_missing_then(carried_key key, bytes_loader loader,
                         write_options how,
                         completion<std::optional<bytes>> done);

  /// As `update`, on a loader thread.
  void update_then(carried_key key, bytes_updater f, write_options how,
                   completion<std::optional<bytes>> done);

  // -- for the load coordinator --------------------------------------------------

  [[nodiscard]] expected<void>
  check_loaded(bytes_view value, const write_options& how) const override;
  void commit_load(const carried_key& key, load_commit what,
                   completion<load_outcome> done) override;
  void release_load(const carried_key& key, load_id id,
                    completion<void> done) override;
  [[nodiscard]] bool fenced(const carried_key& key, load_id id) override;
  void load_again(const carried_key& key, bytes_loader loader,
                  write_options how,
                  completion<std::optional<bytes>> done) override;

private:
  template <class Change>
  expected<typename Change::result> apply(const Change& what);
  template <class Change>
  void apply_then(carried<Change> what,
                  completion<typename Change::result> done);
  expected<transfer_result> transfer(const hashed_key& from, region& target,
                                     const hashed_key& to,
                                     const transfer_terms& terms);
  expected<std::optional<bytes>> update_under_lease(const hashed_key& key,
                                                    const bytes_updater& f,
                                                    const write_options& how);

  const std::shared_ptr<load_coordinator> loads_;
};

} // namespace troupe
