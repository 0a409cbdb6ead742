#pragma once

// The two kinds of right that a provider hands out for a key.
//
// A *load lease* is the right to store one loader's result. Any invalidation of the key
// voids it: the commit is refused then, and the next reader that misses gets a new
// lease. This is how an invalidation wins over a load in flight.
//
// An *update lease* is the right of one `update` that lost too many races to read,
// compute and store undisturbed.
//
// An entry lives until its deadline. It may be *usable* for some time after that, and it
// names the moment from which on a reader that loads should start a new load:
//
//   written ─── refresh_from ─── fresh_until ─── usable_until
//   present for all callers ─────┤ stale ────────┤ gone
//
// Between `fresh_until` and `usable_until` the key is absent for all calls, except
// `provider::read_usable` and `provider::acquire_load`. A *cached absence* is an entry
// that says that the loader found no value; it is stale from the beginning.

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include <troupe/backends/load_tags.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// The number of a load; unique in a runtime, never zero.
using load_id = std::uint64_t;

/// A copy of an entry that is stale.
struct stale_entry {
  bytes value;
  version_number version = no_version;
  time_point fresh_until = never;
  time_point usable_until = never;
  time_point refresh_from = never;
};

/// Why a caller asks for the lease of a load.
enum class load_purpose : std::uint8_t {
  missing, ///< A reader found no live entry.
  refresh, ///< A live entry has reached its `refresh_from`.
};

/// The key has a live value. For `load_purpose::refresh`: one that needs no refresh
/// yet, because it was stored or refreshed meanwhile.
struct load_hit {
  bytes value;
  version_number version = no_version;
  time_point deadline = never;
};

/// A load is in flight that may store the key. Its result may be older than the
/// caller's question. That is known when its tags are known, from `since`, the present
/// sequence of invalidations; see `load_outcome`.
struct load_joined {
  load_id id = 0;
  std::uint64_t since = 0;
  std::optional<stale_entry> stale = std::nullopt;
};

/// The caller's load now holds the key's lease; its result is as old as this moment.
struct load_granted {
  std::uint64_t born = 0;
  std::optional<stale_entry> stale = std::nullopt;
};

/// The key has a stale value whose `refresh_from` is still to come, mostly because a
/// load has failed: it is too early for another load.
struct load_stale {
  stale_entry entry;
};

/// The loader found no value, and the caller need not ask it again until `usable_until`.
struct load_absent {
  time_point usable_until = never;
};

using load_decision
  = std::variant<load_hit, load_joined, load_granted, load_stale, load_absent>;

/// The result of a load, for `provider::commit_load`.
struct load_commit {
  load_id id = 0;
  std::uint64_t born = 0; ///< From `load_granted`.
  /// Empty: the loader found that there is no value. Shared with the waiters.
  std::shared_ptr<const std::optional<bytes>> value;
  write_options how;
  /// How long an empty value is remembered as a cached absence; positive. Empty: it is
  /// not remembered.
  std::optional<ttl_duration> absence_ttl = std::nullopt;
};

/// The same for a caller that waits; borrowed.
struct loaded_value {
  load_id id = 0;
  std::uint64_t born = 0;
  std::optional<bytes_view> value = std::nullopt;
  const write_options* how = nullptr; ///< Never nullptr.
  std::optional<ttl_duration> absence_ttl = std::nullopt;
};

/// How a load ended.
struct load_outcome {
  bool stored = false;

  /// One of its tags was invalidated since the load began: callers that joined it after
  /// an invalidation must not get its result.
  bool killed = false;
};

/// The state from which an update under a lease starts.
struct update_snapshot {
  std::optional<bytes> value;
};

/// How the commit of an update under a lease ended.
enum class update_outcome : std::uint8_t {
  stored, ///< The new value is in place.
  /// A blind write or an invalidation followed; the update counts as earlier.
  overtaken,
  /// The entry is not the one that the function was given (it expired or was evicted),
  /// or a blind write reported another state; start again.
  changed,
  lost, ///< The lease expired; start again.
};

} // namespace troupe
