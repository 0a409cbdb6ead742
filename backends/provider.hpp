#pragma once

// The contract of all providers: where a region's bytes live. It holds what every
// provider can do; abilities.hpp has what only some can do. A region checks sizes and
// options and calls its provider; typed values, loaders and futures belong to the
// region.
//
// Promises (G1, G3, G7, G8, G10 of docs/architecture.md), equal for every provider:
//   1. Changes of one key happen one after the other. A read that starts after a change
//      returned sees that change or a later one.
//   2. Every committed change gives the key another version.
//   3. A change of a key voids the lease of a load in flight for it. An erase, a clear
//      and the invalidation of one of the load's tags void it in any case. A commit
//      under a voided lease stores nothing.
//   4. After an error nothing has changed.
//   5. An entry is absent from its deadline on, except for `read_usable` and
//      `acquire_load`, which see it until it is no longer usable (leases.hpp). What
//      removes or replaces an entry also does so when the entry is stale.
//
// Blocking calls may wait for a turn, a disk or a network, so no actor makes them; the
// calls with a completion do not wait. A completion is called once, on any thread,
// perhaps before the call returns; it must be brief, not throw, and call nothing that
// waits for the provider.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <troupe/backends/abilities.hpp>
#include <troupe/backends/changes.hpp>
#include <troupe/backends/edit.hpp>
#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/figures.hpp>
#include <troupe/backends/leases.hpp>
#include <troupe/backends/provider_part.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/backends/core/function_ref.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

template <class T>
using completion = std::function<void(expected<T>)>;

/// A key that is about to be read or changed; borrowed.
struct upcoming_key {
  hashed_key key;
  bool changes = false;
};

/// A copy of an entry.
struct entry_copy {
  bytes value;
  version_number version = no_version;
  time_point deadline = never;
};

/// Thread-safe. The caller has checked that keys, values and options are valid and
/// within the region's limits. Errors of all calls: `shutting_down`, after `stop`; of
/// calls with a key also `timeout`, `shard_down`, `out_of_memory`; of calls with a
/// completion also `overloaded`.
class provider {
public:
  virtual ~provider() = default;

  /// The kind, for error texts and the console: "memory".
  [[nodiscard]] virtual std::string_view kind() const noexcept = 0;

  // -- reading -----------------------------------------------------------------

  /// Calls `f` when the key has a live entry; returns whether it has one. A
  /// `lookup::peek` does not count as a use of the entry: it does not restart its idle
  /// time.
  virtual expected<bool> read(const hashed_key& key,
                              function_ref<void(const entry_view&)> f,
                              lookup as) const = 0;

  /// Like `read`, but calls `f` also for an entry that is stale but usable, and for a
  /// cached absence. Does not wait for changes.
  virtual expected<bool>
  read_usable(const hashed_key& key,
              function_ref<void(const entry_view&, const staleness&)> f,
              lookup as) const = 0;

  /// Calls `f` for every key in order, with nullptr for a miss. Not a snapshot across
  /// keys. After an error, `f` was called for the first keys only.
  virtual expected<void>
  read_many(std::span<const hashed_key> keys,
            function_ref<void(std::size_t, const entry_view*)> f,
            lookup as) const = 0;

  /// Sees the caller's earlier changes by calls with a completion, except a change that
  /// waits for an update.
  virtual void read_then(carried_key key, lookup as,
                         completion<std::optional<entry_copy>> done) const = 0;

  /// Most keys of one `prefetch`: more do not fit the processor's miss queue.
  static constexpr std::size_t prefetched_keys = 16;

  /// Prefetches what operations on these keys will touch. A hint.
  virtual void prefetch(std::span<const upcoming_key>) const noexcept {
    // nop
  }

  // -- changing ----------------------------------------------------------------

  /// Makes a change. Errors: those of the kind of change.
  virtual expected<change_result> apply(const key_change& what) = 0;

  virtual void apply_then(carried_change what, completion<change_result> done)
    = 0;

  /// Stores all values, each on its own; of two values for one key, the later one
  /// stays. After an error, some values may have been stored.
  virtual expected<void> set_many(std::span<const hashed_key> keys,
                                  std::span<const bytes_view> values,
                                  const write_options& how)
    = 0;

  /// Calls `f` with the live entry, or nullptr, and applies the edit that it returns,
  /// as one step. Only a provider that has no other way calls `f` again when the entry
  /// has changed meanwhile. Errors: those of `f`; nothing has changed then.
  virtual expected<void>
  transform(const hashed_key& key,
            function_ref<expected<edit>(const entry_view*)> f)
    = 0;

  // -- leases of loads ---------------------------------------------------------

  /// Decides about a key that a reader wants to load: it is present by now, it is too
  /// early for a load, another load has its lease, or `id` gets it; its value has `tags`
  /// as far as they are known. `decided` is called in the order of the decisions about
  /// the key, before any completion of a call that ends the lease. When it returns
  /// false for a granted lease, the lease is given back.
  virtual void
  acquire_load(carried_key key, load_id id, load_purpose why,
               std::shared_ptr<const load_tags> tags,
               std::function<bool(expected<load_decision>)> decided)
    = 0;

  /// Stores the result of the load, if it still has its lease, and ends the lease, also
  /// on an error. An empty result removes the entry, live or stale.
  virtual void commit_load(carried_key key, load_commit what,
                           completion<load_outcome> done)
    = 0;

  /// Ends the lease of a load without a result. If the load still has its lease, the
  /// `refresh_from` of a usable entry moves to `next`, unless it is later already. This
  /// is not a change: the version stays.
  virtual void release_load(carried_key key, load_id id,
                            std::optional<time_point> next,
                            completion<void> done)
    = 0;

  /// Whether load `id` still has the key's lease. Errors: also `shard_down`, at once,
  /// while this is not known.
  [[nodiscard]] virtual expected<bool>
  holds_load(const hashed_key& key, load_id id) = 0;

  // -- leases of updates -------------------------------------------------------

  /// Takes the key's update lease, after earlier callers that want it, and voids a
  /// load's lease.
  virtual expected<update_snapshot>
  begin_update(const hashed_key& key, std::uint64_t token) = 0;

  /// Stores the new value (removes the entry when it is empty) and ends the lease. The
  /// new entry keeps of the old one what `how` does not set.
  virtual expected<update_outcome>
  commit_update(const hashed_key& key, std::uint64_t token,
                std::optional<bytes_view> value, const write_options& how)
    = 0;

  /// Ends the lease without a change.
  virtual expected<void>
  abandon_update(const hashed_key& key, std::uint64_t token) = 0;

  // -- invalidation ------------------------------------------------------------

  /// Removes all entries: a read that starts after it returned finds no earlier entry.
  virtual expected<void> clear() = 0;

  /// Removes all entries with this tag in the same way; an invalidation of another tag
  /// never removes an entry. Errors: `invalid_argument` inside the function of a
  /// `transform` or a joint turn.
  virtual expected<void> invalidate_tag(bytes_view name) = 0;

  // -- figures and life --------------------------------------------------------

  /// Number of entries, including stale ones, and expired ones that are not yet swept.
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;

  [[nodiscard]] virtual provider_figures figures() const noexcept = 0;

  /// How much of their jitter entries were given. The counts are uniform when jitter
  /// works.
  [[nodiscard]] virtual jitter_counts jitter() const noexcept = 0;

  /// Errors: `shutting_down`, after `stop`.
  [[nodiscard]] virtual expected<void> check_running() const = 0;

  /// Housekeeping, every `defaults::tick`, by one thread at a time. Returns false when
  /// there was nothing to do: the next calls may come later then, up to
  /// `defaults::longest_rest`.
  virtual bool tick() noexcept {
    return false;
  }

  /// From now on, every operation returns `shutting_down`, reads included.
  virtual void stop() noexcept = 0;

  // Parts that are actors. A part may be made at its first use; then it exists as long as
  // the provider.

  /// The largest number of parts; 0 for a provider without inner parts.
  [[nodiscard]] virtual std::size_t part_count() const noexcept {
    return 0;
  }

  /// How many parts exist; never decreases.
  [[nodiscard]] virtual std::size_t parts_made() const noexcept {
    return 0;
  }

  /// The part with this index; nullptr while it does not exist.
  [[nodiscard]] virtual provider_part* part(std::size_t) const noexcept {
    return nullptr;
  }

  /// Makes the part with this index, below `part_count`, if it does not exist. Errors:
  /// `out_of_memory`.
  virtual expected<void> make_part(std::size_t) {
    return {};
  }

  /// The index of the part that a key belongs to.
  [[nodiscard]] virtual std::size_t part_of(const hashed_key&) const noexcept {
    return 0;
  }

  // -- abilities: nullptr without -----------------------------------------------

  [[nodiscard]] virtual scan_ability* scans() noexcept {
    return nullptr;
  }

  [[nodiscard]] virtual limit_ability* limits() noexcept {
    return nullptr;
  }

  [[nodiscard]] virtual namespace_ability* groups() noexcept {
    return nullptr;
  }

  [[nodiscard]] virtual listener_ability* listeners() noexcept {
    return nullptr;
  }

  [[nodiscard]] virtual joint_turn_ability* joint_turns() noexcept {
    return nullptr;
  }

  [[nodiscard]] virtual charge_ability* charges() noexcept {
    return nullptr;
  }

  [[nodiscard]] virtual explain_ability* explains() noexcept {
    return nullptr;
  }
};

} // namespace troupe
