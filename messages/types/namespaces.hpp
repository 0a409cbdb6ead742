#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe {

/// A namespace: the keys of a region that begin with a prefix, under their own limit. A
/// key belongs only to the namespace with the longest prefix that it begins with.
struct namespace_options {
  /// Any bytes, at least one.
  std::string prefix;

  /// Limit of what the entries take, in bytes; 0: no limit. One entry may take half of
  /// it. The limits of region and runtime apply as well.
  std::size_t max_bytes = 0;

  /// Limit of the number of entries; 0: no limit. One of the two limits must be set.
  std::size_t max_entries = 0;

  /// Which entries are evicted when a limit is reached; empty: the region's policy.
  std::optional<eviction_policy> eviction = std::nullopt;

  /// Number of shards, a power of two up to 64; 0: as many as the limit has room for,
  /// at most as many as the region's other keys have, and fewer when there are many
  /// namespaces.
  std::size_t shards = 0;

  friend bool operator==(const namespace_options&, const namespace_options&)
    = default;
};

/// Checks the namespaces of a region whose keys have up to `max_key_size` bytes.
/// Errors: `invalid_argument`.
[[nodiscard]] expected<void> check(const std::vector<namespace_options>& all,
                                   std::size_t max_key_size);

/// A prefix for error texts: bytes that are not printable ASCII are escaped, and a long
/// prefix is cut.
[[nodiscard]] std::string prefix_text(bytes_view prefix);

/// The error that no namespace has this prefix: `invalid_argument`.
[[nodiscard]] tl::unexpected<error> no_such_namespace(bytes_view prefix);

} // namespace troupe
