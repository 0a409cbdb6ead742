#pragma once

// The two kinds of right that a provider hands out for a key.
//
// A *load lease* is the right to store one loader's result. Any invalidation of the key
// voids it: the commit is refused then, and the next reader that misses gets a new
// lease. This is how an invalidation wins over a load in flight.
//
// An *update lease* is the right of one `update` that lost too many races to read,
// compute and store undisturbed.

#include <cstdint>
#include <optional>
#include <variant>

#include <troupe/backends/load_tags.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// The number of a load; unique in a runtime, never zero.
using load_id = std::uint64_t;

/// The key has a live value.
struct load_hit {
  bytes value;
};

/// A load is in flight that may store the key. Its result may be older than the
/// caller's question. That is known when its tags are known, from `since`, the present
/// sequence of invalidations; see `load_outcome`.
struct load_joined {
  load_id id = 0;
  std::uint64_t since = 0;
};

/// The caller's load now holds the key's lease; its result is as old as this moment.
struct load_granted {
  std::uint64_t born = 0;
};

using load_decision = std::variant<load_hit, load_joined, load_granted>;

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
