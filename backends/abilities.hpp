#pragma once

// What some providers can do besides the contract of all (provider.hpp). A provider says
// what it has: it returns the interface, or nullptr. A region answers a call for which
// its provider has no ability with `unsupported`.
//
// All are thread-safe. Errors of all calls: also `shutting_down`, after the provider was
// stopped.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/figures.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/eviction.hpp>
#include <troupe/backends/core/function_ref.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/removal.hpp>

namespace troupe {

namespace memory {
class absence;
class shard_map;
} // namespace memory

/// A place in a walk over all keys; 0 is the begin and, when returned, the end. Any
/// number is one: beyond the last place there is just nothing left. It fits 53 bits.
using scan_cursor = std::uint64_t;

/// Walks over the keys.
class scan_ability {
public:
  virtual ~scan_ability() = default;

  /// Calls `f(key, entry)` for some live entries from `from` on, and returns where to go
  /// on. A walk from 0 to 0 meets every key that is there all the time at least once;
  /// what comes or goes meanwhile it may meet, and some keys twice. `f` must be brief.
  /// It is no use of the entries.
  virtual expected<scan_cursor>
  scan(scan_cursor from, function_ref<void(bytes_view, const entry_view&)> f)
    = 0;

  /// A live key, each with a chance of the same order; nothing only when a whole walk
  /// has met none.
  virtual expected<std::optional<bytes>> random_key(std::minstd_rand& random)
    = 0;
};

/// Limits of what the entries take.
class limit_ability {
public:
  virtual ~limit_ability() = default;

  /// Limits of bytes and of entries, 0: none. See `region_options`.
  [[nodiscard]] virtual std::size_t max_bytes() const noexcept = 0;
  [[nodiscard]] virtual std::size_t max_entries() const noexcept = 0;

  /// Whether a limit could refuse a value or have entries evicted: one of the region, or
  /// of all regions of its runtime.
  [[nodiscard]] virtual bool limited() const noexcept = 0;

  [[nodiscard]] virtual eviction_policy eviction() const noexcept = 0;

  /// Other limits from now on: when this returns, what is too much has been evicted.
  /// Errors: `invalid_argument` (less than `check` allows for as many shards as there
  /// are); nothing has changed then.
  virtual expected<void>
  set_limits(std::size_t max_bytes, std::size_t max_entries) = 0;

  /// Another policy from now on, for all but the namespaces that have their own.
  virtual expected<void> set_eviction(eviction_policy x) = 0;

  /// Evicts what exceeds the limits, and of the bytes what exceeds `part`, 1 or less, of
  /// what is held.
  virtual expected<void> obey_limits(double part) = 0;
};

/// Groups of keys with limits of their own: those of `region_options`, by their
/// prefixes. Errors of the calls that take one: also `invalid_argument` when there is
/// none with it.
class namespace_ability {
public:
  virtual ~namespace_ability() = default;

  /// All of them, in the order of the options.
  [[nodiscard]] virtual std::vector<namespace_stats> namespaces() const = 0;

  /// As `limit_ability::set_limits`; not both of them 0.
  virtual expected<void> set_namespace_limits(bytes_view prefix,
                                              std::size_t max_bytes,
                                              std::size_t max_entries)
    = 0;

  /// What `set_namespace_limits` would refuse for good, and why.
  [[nodiscard]] virtual expected<void>
  check_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                         std::size_t max_entries) const = 0;

  /// A policy of its own from now on; empty: that of the region again.
  virtual expected<void>
  set_namespace_eviction(bytes_view prefix, std::optional<eviction_policy> x)
    = 0;

  /// Removes its keys, as `provider::clear`; those that belong to a longer prefix stay.
  virtual expected<void> clear_namespace(bytes_view prefix) = 0;
};

/// Reports entries that are removed.
class listener_ability {
public:
  virtual ~listener_ability() = default;

  /// See `region::on_removal`. Errors: `out_of_memory`.
  virtual expected<void>
  on_removal(removal_listener listener, std::size_t limit) = 0;
};

/// How a value came under another key, or did not.
enum class transfer_result : std::uint8_t {
  done,
  absent, ///< There was no live entry to take it from.
  exists, ///< There was one where it should be stored.
};

/// What a transfer does beside.
struct transfer_terms {
  bool if_absent = false;   ///< Only to a key without a live entry.
  bool keep_source = false; ///< Copies.
};

/// What a caller saw of a key, to learn later whether it has changed.
struct key_state {
  version_number version = no_version;            ///< Of the live entry.
  std::shared_ptr<const memory::absence> absence; ///< Without one.
};

/// Several keys that are changed, or looked at, as one (memory/shards/joint_turn.hpp).
class joint_turn_ability {
public:
  virtual ~joint_turn_ability() = default;

  /// What joint turns and their plans are given.
  [[nodiscard]] virtual memory::shard_map& shards() noexcept = 0;

  /// What there is under the key, for `unchanged`. It is no use of the entry. Waits for
  /// the shard's turn.
  virtual expected<key_state> watch(const hashed_key& key) = 0;

  /// Whether nothing was stored under the key since `watch`, nor removed, however it
  /// looks now.
  virtual expected<bool>
  unchanged(const hashed_key& key, const key_state& since) = 0;

  /// See `region::rename` and `region::copy`.
  virtual expected<transfer_result>
  transfer(const hashed_key& from, joint_turn_ability& target,
           const hashed_key& to, const transfer_terms& terms)
    = 0;
};

/// Knows what each entry is charged.
class charge_ability {
public:
  virtual ~charge_ability() = default;

  /// The bytes that the entry is charged, with key and value; nothing when the key is
  /// absent. No use of the entry.
  virtual expected<std::optional<std::size_t>>
  charge(const hashed_key& key) const = 0;
};

} // namespace troupe
