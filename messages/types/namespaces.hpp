#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe {

/// A namespace: the keys of a region that begin with a prefix, under a limit of
/// their own. A key belongs to the namespace with the longest prefix that it
/// begins with, and to that one alone.
struct namespace_options {
  /// Any bytes, one at least.
  std::string prefix;

  /// Limit of what the entries take, in bytes; 0: none. One entry may take half
  /// of it. The limits of region and runtime hold as well.
  std::size_t max_bytes = 0;

  /// Limit of the number of entries; 0: none. There must be one of the two.
  std::size_t max_entries = 0;

  /// Which entries go when a limit is reached; empty: as the region says.
  std::optional<eviction_policy> eviction = std::nullopt;

  /// Number of shards, a power of two up to 64; 0: as many as the limit carries, no
  /// more than the other keys of the region have, and fewer if there are many
  /// namespaces.
  std::size_t shards = 0;

  friend bool operator==(const namespace_options&, const namespace_options&)
    = default;
};

/// Tells what is wrong with the namespaces of a region whose keys have up to
/// `max_key_size` bytes: `invalid_argument`.
[[nodiscard]] expected<void> check(const std::vector<namespace_options>& all,
                                   std::size_t max_key_size);

/// A prefix as errors show it: what is not printable ASCII is escaped, and what is
/// long is cut.
[[nodiscard]] std::string prefix_text(bytes_view prefix);

/// That no namespace has this prefix: `invalid_argument`.
[[nodiscard]] tl::unexpected<error> no_such_namespace(bytes_view prefix);

} // namespace troupe
