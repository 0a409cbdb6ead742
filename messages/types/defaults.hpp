#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every default of the vocabulary and the runtime: name, unit, reason.
namespace troupe::defaults {

/// Bytes. Redis users rarely pass 1 KiB; 64 KiB keeps a hostile key from
/// occupying a mailbox step for long.
inline constexpr std::size_t max_key_size = 64 * 1024;

/// Bytes. The most that `max_key_size` of a region may be: an entry has 22 bits for
/// the size of its key, and its block stays below those that are mapped, 4 MiB.
inline constexpr std::size_t largest_key_size = 2 * 1024 * 1024;

/// Bytes. The same bound as Redis's `proto-max-bulk-len`.
inline constexpr std::size_t max_value_size = 512 * 1024 * 1024;

/// How long an operation waits for a shard that is being restarted, and for
/// the update lease of its key. Long enough for a restart (microseconds) by
/// orders of magnitude, short enough for a caller to notice an outage.
inline constexpr std::chrono::milliseconds op_timeout{1'000};

/// How long a loader may run before the next waiter's loader replaces it.
inline constexpr std::chrono::milliseconds load_timeout{30'000};

/// How long a load waits for a loader thread. As long as a loader may run: who waits
/// longer than that is better told that there are too few threads.
inline constexpr std::chrono::milliseconds queue_timeout{30'000};

/// How many loaders one load tries, each brought by another waiter, before all
/// that still wait get the error. Bounds what a dead database is asked.
inline constexpr std::uint32_t load_attempts = 3;

/// How many lost races send an `update` to its key's lease.
inline constexpr std::uint32_t update_races = 4;

/// How often an update under its key's lease starts again because the entry expired,
/// was evicted or erased meanwhile. Each time something else has happened; so many
/// times in a row it is the function itself that does it.
inline constexpr std::uint32_t update_restarts = 100;

/// Threads that run blocking loaders and asynchronous update functions; they
/// start when needed. Loaders wait for I/O, so there are many more than cores.
inline constexpr std::size_t loader_threads = 64;

/// Jobs that wait for a loader thread before `overloaded` is answered.
inline constexpr std::size_t loader_queue = 16'384;

/// Asynchronous operations and typed messages that wait in one shard's mailbox
/// before `overloaded` is answered (blocking callers are bounded by threads).
inline constexpr std::size_t mailbox_limit = 65'536;

/// Removals that wait for a region's listener; what comes then is dropped and
/// counted.
inline constexpr std::size_t removal_queue = 65'536;

/// Shards per region and core: enough that two cores rarely meet in one shard.
inline constexpr std::size_t shards_per_core = 16;

/// Bounds of the shard count; a power of two, and the index takes its share of
/// the hash's bits.
inline constexpr std::size_t min_shards = 16;
inline constexpr std::size_t max_shards = 256;

/// The least of a limit in bytes, for each shard: what the bookkeeping of an empty one
/// takes, 512 bytes and for entries that expire 128 more, with room for what the last
/// entries leave behind.
inline constexpr std::size_t least_bytes_per_shard = 1024;

/// The least limit in bytes of a runtime: room for the shards of some regions.
inline constexpr std::size_t least_max_bytes = 64 * 1024;

/// What each shard of a limited region shall have at least when the region may
/// choose how many there are: large entries and few shards in need of each other's.
inline constexpr std::size_t wanted_bytes_per_shard = 4 * 1024 * 1024;

/// Namespaces of a region, and shards of each. Together with the shards of all
/// other keys they have to fit the 13 bits of a walk's cursor (key_scan.hpp).
inline constexpr std::size_t max_namespaces = 64;
inline constexpr std::size_t max_namespace_shards = 64;

/// What each shard shall have at least of a limit of entries when the region may
/// choose how many there are: shards with few entries evict each other's.
inline constexpr std::size_t wanted_entries_per_shard = 1024;

/// A shard that crashes more often than this within the window stays down.
inline constexpr std::uint32_t restart_limit = 5;
inline constexpr std::chrono::milliseconds restart_window{10'000};

/// How long the destructor of a runtime waits for loads in flight.
inline constexpr std::chrono::milliseconds drain_deadline{10'000};

/// Period of the coordinator's clockwork: load timeouts are noticed at most
/// this much late, and expired entries are swept in this rhythm.
inline constexpr std::chrono::milliseconds tick{20};

/// Ticks that the housekeeping of a region without anything to do is left out at most,
/// a third of a second: 1,000 idle regions take a thousandth of a processor then.
inline constexpr unsigned longest_rest = 16;

} // namespace troupe::defaults
