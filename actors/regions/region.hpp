#pragma once

// A region at the level of encoded bytes: what `cache<V>` wraps with a codec,
// what the server speaks, and what the typed messages end in.
//
//   read    → the shard's table, under an epoch guard, no mailbox, no lock
//   write   → the shard's mailbox, on the calling thread when it is idle
//   load    → the shard grants a lease or joins a load; the coordinator runs it
//   update  → the caller's function outside the shard, committed by version
//
// Keys of a namespace lie in shards of their own (shard_map.hpp).

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <troupe/actors/loads/load_context.hpp>
#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/backends/memory/shards/operations.hpp>
#include <troupe/backends/memory/shards/rebalancer.hpp>
#include <troupe/backends/figures.hpp>
#include <troupe/backends/memory/shards/removal_queue.hpp>
#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/backends/memory/shards/shard_map.hpp>
#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/edit.hpp>
#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>
#include <troupe/messages/types/result.hpp>

namespace troupe {

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

/// A key that is about to be read or changed; borrowed.
struct upcoming_key {
  bytes_view key;
  bool changes = false;
};

/// A named cache of encoded bytes. Thread-safe; made by `runtime::open`, and
/// alive as long as anybody holds it. After the runtime drained, operations,
/// reads included, answer `shutting_down`; `size` and `stats` then count no keys.
///
/// Errors of every operation that takes a key: `key_too_large`, `shutting_down`;
/// of every write also `timeout` (shard restarting for longer than `op_timeout`),
/// `shard_down`, `out_of_memory`. After an error nothing has changed.
///
/// Per key, writes are totally ordered and reads are linearizable: a read that
/// starts after a write returned sees that write or a later one.
class region : public std::enable_shared_from_this<region> {
public:
  /// Use `runtime::open`. `options` passed their `check`; `time` outlives the
  /// region. Its bytes come out of `parent`, too, if that is given. `counts` is
  /// what `increment` may store, empty for values that are no integers. Throws
  /// std::bad_alloc.
  region(std::string name, const region_options& options, const clock& time,
         std::shared_ptr<lane_executor> executor,
         std::shared_ptr<load_coordinator> loads,
         std::shared_ptr<memory::budget> parent = nullptr,
         std::optional<integer_range> counts = integer_range{});

  ~region();

  region(const region&) = delete;
  region& operator=(const region&) = delete;

  [[nodiscard]] const std::string& name() const noexcept {
    return name_;
  }

  /// The options it was opened with, completed: what was left open is filled in.
  [[nodiscard]] const region_options& options() const noexcept {
    return options_;
  }

  [[nodiscard]] std::chrono::milliseconds load_timeout() const noexcept {
    return *options_.load_timeout;
  }

  [[nodiscard]] std::chrono::milliseconds op_timeout() const noexcept {
    return *options_.op_timeout;
  }

  // -- reading -----------------------------------------------------------------

  /// Calls `f(const entry_view&)` when `key` has a live entry and tells whether
  /// it had. No lock, no message, no allocation. The view ends with the call;
  /// until `f` returns, memory that writers free stays allocated, so be brief.
  /// A `lookup::peek` does not put off the expiry of an entry with an idle time.
  template <class F>
  expected<bool> visit(bytes_view key, F&& f,
                       lookup as = lookup::use) const;

  /// Calls `f(std::size_t index, const entry_view* entry)` for every key in
  /// order, with nullptr for a miss. The memory accesses of the whole batch
  /// overlap: prefer it to single reads.
  /// Each key is read on its own; this is not a snapshot across keys. When the
  /// region is stopped meanwhile, `f` was called for the first keys only.
  template <class F>
  expected<void> visit_many(std::span<const bytes_view> keys, F&& f,
                            lookup as = lookup::use) const;

  /// Starts to fetch what operations on these keys will touch, so that the cache
  /// misses of single operations that follow overlap, too. Changes nothing, takes
  /// no turn, and knows nothing of limits. For up to `prefetched_keys` at a time:
  /// more do not fit the processor's miss queue.
  void prefetch(std::span<const upcoming_key> keys) const noexcept;

  static constexpr std::size_t prefetched_keys = 16;

  /// A copy of the value, or nothing when the key is absent or expired.
  expected<std::optional<bytes>> get(bytes_view key) const;

  expected<std::vector<std::optional<bytes>>>
  get_many(std::span<const bytes_view> keys) const;

  /// Tells whether `key` has a live entry. No use of it.
  expected<bool> contains(bytes_view key) const;

  /// The time the entry has left, rounded up, with an idle time if nobody comes;
  /// `no_expiry` when it does not expire; nothing when the key is absent. No use
  /// of it.
  expected<std::optional<ttl_duration>> ttl(bytes_view key) const;

  /// The bytes that the entry is charged: its block as the slab cuts it, with key
  /// and value; not its share of index and wheel, which it has in common with
  /// others. Nothing when the key is absent.
  expected<std::optional<std::size_t>> charge(bytes_view key) const;

  /// What there is under the key, for `unchanged`. It is no use of the entry. Waits
  /// for the shard's turn.
  expected<memory::key_state> watch(bytes_view key) const;

  /// Whether nothing was stored under the key since `watch`, nor removed, however it
  /// looks now: not by a clear or an eviction, nor because its time was up.
  expected<bool> unchanged(bytes_view key, const memory::key_state& since) const;

  // -- writing -----------------------------------------------------------------
  // Each voids the lease of a load in flight for its key when it changes the
  // key, and `erase` and `clear` in any case: what the loader brings after that
  // is handed to its waiters and not stored.

  /// Stores `value`. False when the condition did not hold.
  /// Errors: `value_too_large`, `invalid_argument`.
  expected<bool> set(bytes_view key, bytes_view value,
                     const write_options& how = {});

  /// The same for a large value that was gathered in memory that becomes its
  /// entry's, so that it is not copied. Once it is stored, or after
  /// `out_of_memory`, `value` may be empty.
  expected<bool> set(bytes_view key, memory::value_buffer& value,
                     const write_options& how = {});

  /// Stores all of them, those of one shard in one turn of its mailbox, so that
  /// neither the mailbox nor the memory is waited for once per key: prefer it to
  /// single writes. Each key is stored on its own; this is not one step. Of two
  /// values for one key the later one stays. After an error of a shard, values
  /// for others may have been stored. Errors: as `set`, before anything is
  /// stored; `invalid_argument` also for a condition or `keep_ttl`.
  expected<void> set_many(std::span<const key_value> items,
                          const write_options& how = {});

  /// Stores `value` unless the key has a live entry; tells whether it did.
  expected<bool> set_if_absent(bytes_view key, bytes_view value,
                               write_options how = {});

  /// Stores `value` when the entry's version is `version` (`no_version`: when
  /// the key is absent). The new version, or nothing when it was another. Errors:
  /// as `set`; `invalid_argument` also for a condition.
  expected<std::optional<version_number>>
  compare_and_set(bytes_view key, version_number version, bytes_view value,
                  const write_options& how = {});

  /// Removes the entry; tells whether there was a live one.
  expected<bool> erase(bytes_view key);

  /// Removes the entry when its version is `version`, so that a newer one stays.
  /// False when it was another, or when there was none.
  expected<bool> compare_and_erase(bytes_view key, version_number version);

  /// Gives a live entry a new TTL (exactly, without jitter), `no_expiry` to
  /// keep it for good; tells whether there was one. It keeps its idle time, which
  /// starts anew.
  expected<bool> touch(bytes_view key, ttl_duration ttl);

  /// Adds `delta` to the decimal integer under `key` (absent: 0) and returns
  /// the sum. A present entry keeps the end of its TTL and its idle time, which
  /// starts anew; a new one gets those of the region. Errors: `not_an_integer`
  /// (also when the region's values are no integers), `integer_overflow` (the sum
  /// is outside of std::int64_t or of the type of the region's values).
  expected<std::int64_t> increment(bytes_view key, std::int64_t delta = 1);

  /// The same with a range of the caller's, which should be that of the values.
  /// The sum's 64 bits; see `memory::store::increment`.
  expected<std::int64_t> increment(bytes_view key, std::int64_t delta,
                                   const integer_range& within);

  /// What the first form may store: those of the region's values that fit in an
  /// std::int64_t. Errors: `not_an_integer`, when they are no integers.
  [[nodiscard]] expected<integer_range> signed_counts() const;

  /// Calls `f(const entry_view* present)`, nullptr for a key without a live
  /// entry, and does what it answers, an `expected<edit>`, as one step: no other
  /// change comes in between. `f` runs at most once, in the shard's turn and
  /// perhaps on another thread; so it must be brief, call nothing that waits for a
  /// shard, nor a clear or `invalidate_tag`, and throw nothing but std::bad_alloc.
  /// For work that takes longer there is `update`. Errors: what `f` returns,
  /// `value_too_large`, `invalid_argument` (also for a condition).
  template <class F>
  expected<void> transform(bytes_view key, F&& f);

  /// Gives the live entry of `from` the key `to`, with TTL, idle time and tags; with
  /// `if_absent`, only if `to` has no live entry. Takes no longer for a large value,
  /// needs no room under a limit, and evicts nothing but for what a longer key takes.
  /// Both keys change as one for all writers; readers see one after the other. Within
  /// a `joint_turn` that has both keys it is a part of that. Errors:
  /// `invalid_argument` when the keys are the same.
  expected<memory::transfer_result> rename(bytes_view from, bytes_view to,
                                           bool if_absent = false);

  /// Gives `to`, a key of `target`, the value of `from`, with TTL, idle time and,
  /// within the region, tags; else as `rename`. A large value is there once, but each
  /// key is charged for it.
  expected<memory::transfer_result> copy(bytes_view from, region& target,
                                         bytes_view to, bool if_absent = false);

  /// Removes everything, in all shards at once: a read that starts after it returned
  /// finds nothing that was written before it was called. Waits as `invalidate_tag`
  /// does, whatever there is to remove; the space comes back in the background.
  /// Needs no shard: what those that failed hold is gone as well. Errors:
  /// `shutting_down`.
  expected<void> clear();

  /// Removes all entries with a tag, as `clear`: at once, and no load that began
  /// before brings one back. Waits for changes of tagged entries and joint turns that
  /// are being made; linear in the number of shards, whatever is tagged. Errors: as
  /// `clear`; `invalid_argument` for a name of more than 64 KiB, and inside of the
  /// function of a `transform` and of a joint turn.
  expected<void> invalidate_tag(bytes_view name);

  /// Has `listener` told of every entry that goes, from now on, with the cause; no
  /// longer when it is empty. It is called on a loader thread, outside of the
  /// shards, one call at a time, and may use the region; what it throws is dropped.
  /// Removals wait for it in a queue; what comes while `limit` of them wait is
  /// dropped (`region_stats::removals_dropped`), as is what waits when another
  /// listener takes its place. When this returns, no call of the listener before
  /// begins or is under way, and that one is destroyed; so it waits for a call that is
  /// under way, unless that call makes it. When the region ends, no further call
  /// begins. What is copied for a listener costs every removal about as much as a
  /// write. Errors: `out_of_memory`, `shutting_down`.
  expected<void> on_removal(removal_listener listener,
                            std::size_t limit = defaults::removal_queue);

  // -- limits ------------------------------------------------------------------

  /// Limits of bytes and of entries, 0: none. See `region_options`.
  [[nodiscard]] std::size_t max_bytes() const noexcept;
  [[nodiscard]] std::size_t max_entries() const noexcept;

  /// Whether a limit could refuse a value or have entries evicted: one of the region,
  /// or of all regions of its runtime.
  [[nodiscard]] bool limited() const noexcept;
  [[nodiscard]] eviction_policy eviction() const noexcept;

  /// Other limits from now on: when this returns, what is too much has been
  /// evicted. Errors: `invalid_argument` (less than `check` allows for as many
  /// shards as there are), `shutting_down`; nothing has changed then.
  expected<void> set_limits(std::size_t max_bytes, std::size_t max_entries);

  /// Another policy from now on, for all but the namespaces that have one of their
  /// own. Errors: `shutting_down`; nothing has changed then.
  expected<void> set_eviction(eviction_policy x);

  /// Has every shard keep no more than the limits allow, and of its bytes no more
  /// than `part`, 1 or less, of what it has. Errors: `shutting_down`.
  expected<void> obey_limits(double part = 1.0);

  // -- namespaces --------------------------------------------------------------
  // Those of `region_options`, by their prefixes. Errors of the calls that take
  // one: also `invalid_argument` when there is none with it.

  /// All of them, in the order of the options.
  [[nodiscard]] std::vector<namespace_stats> namespaces() const;

  /// As `set_limits`, for the keys of a namespace alone; not both of them 0.
  expected<void> set_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                                      std::size_t max_entries);

  /// What `set_namespace_limits` would refuse for good, and why.
  [[nodiscard]] expected<void>
  check_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                         std::size_t max_entries) const;

  /// As `set_eviction`, for a namespace, which has its own policy from now on;
  /// empty: that of the region again.
  expected<void> set_namespace_eviction(bytes_view prefix,
                                        std::optional<eviction_policy> x);

  /// As `clear`, for the keys of a namespace; those that belong to a longer prefix
  /// stay.
  expected<void> clear_namespace(bytes_view prefix);

  // -- loading and updating ----------------------------------------------------

  /// The value of `key`; when absent, of one run of `loader` for all that ask
  /// meanwhile, or nothing when the loader found none. Who asks after an
  /// invalidation is not answered what was loaded before it: a load that turns out to
  /// be older is followed by another one. Must not be called from a loader for the
  /// same key.
  /// Errors: `load_failed`, `load_timeout`, `load_cancelled`, `overloaded` (no loader
  /// thread within `queue_timeout`), `invalid_argument` (also for a condition, and
  /// also when the key is there).
  expected<std::optional<bytes>> get_or_set(bytes_view key, bytes_loader loader,
                                            const write_options& how = {});

  /// Replaces the value by what `f` makes of it, atomically, and returns the
  /// new value (nothing when `f` chose to erase). The entry keeps the end of its TTL,
  /// its idle time, which starts anew, and its tags, each unless `how` names another;
  /// a new one gets what the region says. Loses no concurrent update: after
  /// `defaults::update_races` lost races it takes the key's update lease. When the
  /// value that `f` was given is invalidated meanwhile, the update counts as before
  /// that: its result is returned and not stored, or `f` is called again.
  /// Errors: what `f` returns, `update_failed` when it throws, `invalid_argument`
  /// (also for a condition).
  expected<std::optional<bytes>> update(bytes_view key, const bytes_updater& f,
                                        const write_options& how = {});

  // -- the same without waiting ------------------------------------------------
  // The work is done at once when the shard is idle; the future is ready then.
  // `overloaded` when the shard's mailbox or the loaders' queue is full.
  // The future of a region that drains becomes ready with `shutting_down`.

  // `Result`: `expected<bool>` or `yes_or_no`.

  template <class Result = expected<bool>>
  std::future<Result> set_async(bytes key, bytes value, write_options how = {});
  template <class Result = expected<bool>>
  std::future<Result> set_if_absent_async(bytes key, bytes value,
                                          write_options how = {});
  template <class Result = expected<bool>>
  std::future<Result> erase_async(bytes key);
  template <class Result = expected<bool>>
  std::future<Result> touch_async(bytes key, ttl_duration ttl);
  std::future<expected<std::int64_t>> increment_async(bytes key,
                                                      std::int64_t delta = 1);

  /// `done` is called on this thread or in the shard's turn; it must be brief, not
  /// throw, and call nothing that waits for a shard.
  void increment_then(bytes key, std::int64_t delta, const integer_range& within,
                      std::function<void(expected<std::int64_t>)> done);
  void compare_and_erase_then(bytes key, version_number version,
                              std::function<void(expected<bool>)> done);

  std::future<expected<void>> clear_async();
  std::future<expected<std::optional<bytes>>>
  get_or_set_async(bytes key, bytes_loader loader, write_options how = {});
  std::future<expected<std::optional<bytes>>>
  update_async(bytes key, bytes_updater f, write_options how = {});

  /// As `get_or_set`, but calls `done` with the result instead of waiting; on
  /// the calling thread for a hit, else inside some mailbox's turn. `done` must
  /// be brief, not throw, and call nothing that waits for a shard.
  void
  get_or_set_then(bytes key, bytes_loader loader, write_options how,
                  std::function<void(expected<std::optional<bytes>>)> done);

  /// As `update`, on a loader thread; `done` as above.
  void update_then(bytes key, bytes_updater f, write_options how,
                   std::function<void(expected<std::optional<bytes>>)> done);

  // -- the parts, for the runtime ----------------------------------------------

  /// The part of a load that is the shard's. For the coordinator: the value or
  /// TTL a loader brought is within the limits.
  [[nodiscard]] expected<void> check_loaded(bytes_view value,
                                            const write_options& how) const;

  /// Stores what load `id` brought if its lease, granted at `born`, still holds; in
  /// any case hands the value on to `done`, in the shard's turn, and tells whether an
  /// invalidation of one of its tags came meanwhile. For the coordinator.
  void commit_load(
    bytes_view key, load_id id, std::uint64_t born, std::optional<bytes> value,
    const write_options& how,
    std::function<void(std::optional<bytes> loaded, bool killed)> done);

  /// Gives the lease of load `id` back; `done` is called in the shard's turn.
  /// For the coordinator.
  void release_load(bytes_view key, load_id id, std::function<void()> done);

  /// Tells whether load `id` has lost its lease. Waits for the shard's turn.
  [[nodiscard]] bool fenced(bytes_view key, load_id id);

  /// As `check`, for calls that take no condition.
  [[nodiscard]] expected<void>
  check_unconditional(const write_options& how) const {
    if (valid(how) && how.condition == write_condition::always) [[likely]]
      return {};
    return look_at_condition(how);
  }

  /// Counts a read that met bytes that are no value of the region's type.
  void note_undecodable() const noexcept {
    undecodable_.fetch_add(1, std::memory_order_relaxed);
  }

  /// The same, if `why` says that this was it.
  void note_unreadable(const error& why) const noexcept {
    if (why == errc::decode_failed)
      note_undecodable();
  }

  /// Number of entries, those included that expired and were not swept yet.
  [[nodiscard]] std::size_t size() const noexcept;

  [[nodiscard]] region_stats stats() const noexcept;

  /// How much of their jitter entries were given; uniform when all is well.
  [[nodiscard]] memory::jitter_counts jitter_histogram() const noexcept;

  /// Why nothing is read or changed any more. Errors: `shutting_down`, after
  /// `stop`.
  [[nodiscard]] expected<void> check_running() const {
    if (shards_[0]->store().stopped()) [[unlikely]]
      return stopped();
    return {};
  }

  [[nodiscard]] std::size_t shard_count() const noexcept {
    return shards_.size();
  }

  [[nodiscard]] shard& shard_at(std::size_t index) noexcept {
    return *shards_[index];
  }

  [[nodiscard]] const std::vector<shard*>& all_shards() const noexcept {
    return shards_.all();
  }

  [[nodiscard]] const shard& shard_at(std::size_t index) const noexcept {
    return *shards_[index];
  }

  /// The time by which entries of this region expire.
  [[nodiscard]] time_point now() const noexcept {
    return time_.now();
  }

  /// Index of the shard that owns `key`.
  [[nodiscard]] std::size_t shard_of(bytes_view key) const noexcept {
    return shard_of(hashed_key{key, hash_key(key)});
  }

  [[nodiscard]] std::size_t
  shard_of(const hashed_key& key) const noexcept {
    return shards_.number_of(key);
  }

  /// Frees some of the space of expired entries in every idle shard; called by
  /// the runtime's clockwork.
  void sweep() noexcept;

  /// Lets one shard that evicts little give a piece of the limits to the others;
  /// called by the runtime's clockwork. Not thread-safe.
  void rebalance();

  /// Ends every operation, reads included, with `shutting_down` from now on, those
  /// included that wait for a restart.
  void stop() noexcept;

private:
  /// Keys per group of a batch.
  static constexpr std::size_t batch_size = prefetched_keys;

  [[nodiscard]] memory::store_options common_options() const;

  /// The group of a namespace by its own prefix. Errors: `invalid_argument`.
  [[nodiscard]] expected<shard_group*> find_group(bytes_view prefix) const;

  /// The shard of a key that is about to be changed.
  [[nodiscard]] shard& prepare(const hashed_key& key) const noexcept {
    auto& result = shards_.owner(key);
    result.prefetch_for_write(key.hash);
    return result;
  }

  [[nodiscard]] expected<void> check_key(bytes_view key) const {
    if (key.size() > options_.max_key_size) [[unlikely]]
      return key_too_large(key.size());
    return {};
  }

  /// A value of so many bytes is copied before its shard's turn, not in it.
  static constexpr std::size_t gathered_size = 256 * 1024;

  expected<bool> set_gathered(bytes_view key, bytes_view value,
                              const write_options& how);

  [[nodiscard]] expected<void> check_write(bytes_view key, bytes_view value,
                                           const write_options& how) const {
    // Inline: a call for what is nearly always right costs a write more than the
    // look itself.
    if (key.size() <= options_.max_key_size
        && value.size() <= options_.max_value_size && valid(how)) [[likely]]
      return {};
    return look_at_write(key, value, how);
  }

  [[nodiscard]] expected<void> look_at_write(bytes_view key, bytes_view value,
                                             const write_options& how) const;
  [[nodiscard]] expected<void>
  look_at_condition(const write_options& how) const;

  [[nodiscard]] expected<void> check_edit(const edit& next) const {
    if (next.how.condition != write_condition::always) [[unlikely]]
      return check_unconditional(next.how);
    return check_loaded(next.value, next.how);
  }

  [[nodiscard]] tl::unexpected<error> key_too_large(std::size_t size) const;
  [[nodiscard]] expected<void> check_ttl(ttl_duration ttl) const;
  [[nodiscard]] expected<void> check_size(std::size_t value_size) const;
  expected<memory::transfer_result>
  transfer(bytes_view from, region& target, bytes_view to,
           const memory::transfer_terms& terms);

  /// What a read comes to that found nothing in `where`. Asked by misses alone, so
  /// that the end of a region costs a hit nothing.
  [[nodiscard]] expected<bool> missed(const memory::store& where) const {
    if (where.stopped()) [[unlikely]]
      return refused_read();
    return false;
  }

  [[nodiscard]] expected<bool> refused_read() const;

  [[nodiscard]] tl::unexpected<error> stopped() const;

  /// `shutting_down`, once the region has been stopped.
  [[nodiscard]] expected<void> check_open() const;

  template <class T, class Operation>
  std::future<T> submit_async(Operation op);

  template <class Operation, class Done>
  void submit_then(Operation op, Done done);

  expected<std::optional<bytes>>
  update_under_lease(const hashed_key& key, const bytes_updater& f,
                     const write_options& how);

  std::string name_;
  region_options options_;
  const clock& time_;
  std::shared_ptr<lane_executor> executor_;
  std::shared_ptr<load_coordinator> loads_;
  std::shared_ptr<memory::budget> bytes_;
  std::shared_ptr<memory::tag_registry> tags_;
  std::shared_ptr<memory::budget> entries_;
  std::atomic<eviction_policy> eviction_;
  std::shared_ptr<removal_queue> removals_;
  const std::optional<integer_range> counts_;
  mutable std::atomic<std::uint64_t> undecodable_{0};
  shard_map shards_;
  rebalancer balance_;
};

// -- implementation --------------------------------------------------------------

template <class F>
[[gnu::always_inline]] inline expected<bool> region::visit(bytes_view key, F&& f, lookup as) const {
  if (auto ok = check_key(key); !ok) [[unlikely]]
    return tl::unexpected{std::move(ok.error())};
  const hashed_key which{key, hash_key(key)};
  const auto& store = shards_.owner(which).store();
  if (store.read(which, std::forward<F>(f), as)) [[likely]]
    return true;
  return missed(store);
}

template <class F>
expected<void> region::visit_many(std::span<const bytes_view> keys, F&& f,
                                  lookup as) const {
  for (auto key : keys)
    if (auto ok = check_key(key); !ok) [[unlikely]]
      return ok;
  // In three passes, so that the misses of a whole group are in flight
  // together: first the buckets, then the entries, then the reads.
  std::array<std::uint64_t, batch_size> hashes;
  std::array<const memory::store*, batch_size> where;
  epoch_guard guard;
  for (std::size_t start = 0; start < keys.size(); start += batch_size) {
    auto group = keys.subspan(start, std::min(batch_size, keys.size() - start));
    for (std::size_t i = 0; i < group.size(); ++i) {
      hashes[i] = hash_key(group[i]);
      where[i] = &shards_.owner({group[i], hashes[i]}).store();
      where[i]->prefetch_bucket(hashes[i]);
    }
    for (std::size_t i = 0; i < group.size(); ++i)
      where[i]->prefetch_entry(hashes[i]);
    for (std::size_t i = 0; i < group.size(); ++i) {
      auto found = where[i]->read(
        {group[i], hashes[i]}, [&](const entry_view& x) { f(start + i, &x); },
        as);
      if (found)
        continue;
      if (where[i]->stopped()) [[unlikely]]
        return stopped();
      f(start + i, static_cast<const entry_view*>(nullptr));
    }
  }
  return {};
}

template <class F>
expected<void> region::transform(bytes_view key, F&& f) {
  if (auto ok = check_key(key); !ok) [[unlikely]]
    return ok;
  auto checked = [this, &f](const entry_view* present) -> expected<edit> {
    expected<edit> next = f(present);
    if (next && next->what == edit::action::store)
      if (auto ok = check_edit(*next); !ok) [[unlikely]]
        return tl::unexpected{std::move(ok.error())};
    if (next && next->what == edit::action::splice) [[unlikely]]
      if (auto ok = check_size(next->spliced_size(
            present == nullptr ? 0 : present->value.size()));
          !ok)
        return tl::unexpected{std::move(ok.error())};
    return next;
  };
  operations::transform<bytes_view, decltype(checked)> op{
    operations::keyed{key}, checked};
  return prepare(op.key).run(op);
}

} // namespace troupe
