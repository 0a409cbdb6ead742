#pragma once

// Iterates over all keys of some shards: step by step, without a lock and without a
// message. A step reads one bucket of one shard.
//
//   cursor:  shard (13 bits) | position in its table (40 bits)
//
// A position depends on the keys' hashes and not on the table's size (index.hpp), so
// that a cursor stays valid as long as a client keeps it. It fits the 53 bits of a
// number in JavaScript clients.

#include <optional>
#include <random>

#include <troupe/backends/abilities.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/backends/core/function_ref.hpp>

namespace troupe::memory {

class shard_map;

/// See `scan_ability::scan`. Complexity: one bucket, plus the empty shards before it.
/// Errors: `shutting_down`; `f` may have been called for keys of the bucket then.
expected<scan_cursor>
scan_bucket(const shard_map& where, scan_cursor from,
            function_ref<void(bytes_view, const entry_view&)> f);

/// See `scan_ability::random_key`. Constant time while most entries are live; linear
/// when nearly all have expired and are not yet swept.
expected<std::optional<bytes>> random_key(const shard_map& where,
                                          std::minstd_rand& random);

} // namespace troupe::memory
