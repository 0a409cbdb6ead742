#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every default of `messages/types` and of the runtime: name, unit, reason.
namespace troupe::defaults {

/// Bytes. Keys of Redis users rarely exceed 1 KiB; 64 KiB keeps a hostile key from
/// occupying a mailbox step for long.
inline constexpr std::size_t max_key_size = 64 * 1024;

/// Bytes. The upper bound of a region's `max_key_size`: an entry has 22 bits for the
/// size of its key, and its block must be smaller than 4 MiB, where mapped blocks
/// begin.
inline constexpr std::size_t largest_key_size = 2 * 1024 * 1024;

/// Bytes. The same limit as Redis's `proto-max-bulk-len`.
inline constexpr std::size_t max_value_size = 512 * 1024 * 1024;

/// How long an operation waits for a shard that is being restarted, and for the update
/// lease of its key. It exceeds a restart (microseconds) by orders of magnitude, and is
/// short enough for a caller to notice an outage.
inline constexpr std::chrono::milliseconds op_timeout{1'000};

/// How long a loader may run before the next waiter's loader replaces it.
inline constexpr std::chrono::milliseconds load_timeout{30'000};

/// How long a load waits for a loader thread. It equals `load_timeout`: a longer wait
/// means that there are too few threads, so the caller gets an error.
inline constexpr std::chrono::milliseconds queue_timeout{30'000};

/// How many loaders one load tries, each from another waiter, before all remaining
/// waiters get the error. It bounds the requests to a dead database.
inline constexpr std::uint32_t load_attempts = 3;

/// Loads of one region that may be in flight at one time, and callers that may wait for
/// them. A further one gets `overloaded`.
inline constexpr std::size_t max_loads = 65'536;
inline constexpr std::size_t max_load_waiters = 65'536;

/// The pause before the first repetition of a failed loader, and the longest one: each
/// further pause is twice as long as the one before.
inline constexpr std::chrono::milliseconds retry_backoff{100};
inline constexpr std::chrono::milliseconds longest_retry_backoff{10'000};

/// How long a circuit breaker stays open.
inline constexpr std::chrono::milliseconds breaker_open_for{5'000};

/// How long no further load is tried after a failed one while a stale value is served:
/// short enough to notice soon that a database is back, and long enough that it is not
/// asked for each request meanwhile.
inline constexpr std::chrono::milliseconds fail_safe_throttle{30'000};

/// How long readers wait with the next attempt to refresh an entry after one of them has
/// begun a load. A refresh takes less, mostly.
inline constexpr std::chrono::milliseconds refresh_pause{1'000};

/// After this many lost races, an `update` takes its key's lease.
inline constexpr std::uint32_t update_races = 4;

/// How often an update under its key's lease starts again because the entry expired,
/// was evicted or was erased meanwhile. More restarts in a row mean that the update
/// function itself causes them.
inline constexpr std::uint32_t update_restarts = 100;

/// Threads that run blocking loaders and asynchronous update functions. A thread starts
/// when it is needed. Loaders wait for I/O, so there may be many more threads than
/// cores.
inline constexpr std::size_t loader_threads = 64;

/// Jobs that may wait for a loader thread. A further job gets `overloaded`.
inline constexpr std::size_t loader_queue = 16'384;

/// Asynchronous operations and typed messages that may wait in one shard's mailbox. A
/// further operation gets `overloaded`. The number of threads bounds blocking callers.
inline constexpr std::size_t mailbox_limit = 65'536;

/// Removals that may wait for a region's listener. Further removals are dropped and
/// counted.
inline constexpr std::size_t removal_queue = 65'536;

/// Events of keys that a shard keeps, and as many of the whole region. One takes 128
/// bytes; a shard allocates them at its first event.
inline constexpr std::size_t recorded_events = 256;

/// The most events in the answer of `region::explain`.
inline constexpr std::size_t explained_events = 32;

/// Shards per region and core: enough that two cores rarely use the same shard.
inline constexpr std::size_t shards_per_core = 16;

/// Bounds of the number of shards, which is a power of two. 8 bits of a key's hash
/// choose its shard; the index uses other bits.
inline constexpr std::size_t min_shards = 16;
inline constexpr std::size_t max_shards = 256;

/// Bytes. The smallest limit in bytes, for each shard. The bookkeeping of an empty
/// shard takes 512 bytes, and 128 more for entries that expire. The rest is room for
/// what stays charged after the last entries are removed.
inline constexpr std::size_t least_bytes_per_shard = 1024;

/// Bytes. The smallest limit of a runtime: room for the shards of some regions.
inline constexpr std::size_t least_max_bytes = 64 * 1024;

/// Bytes. When a region with a limit chooses its number of shards, each shard gets at
/// least this much: large entries in smaller shards would need the room of other
/// shards.
inline constexpr std::size_t wanted_bytes_per_shard = 4 * 1024 * 1024;

/// The most namespaces of a region, and the most shards of a namespace. Together with
/// the shards of all other keys, the shards of all namespaces must fit the 13 bits of a
/// walk's cursor (key_scan.hpp).
inline constexpr std::size_t max_namespaces = 64;
inline constexpr std::size_t max_namespace_shards = 64;

/// Entries. When a region with a limit of entries chooses its number of shards, each
/// shard gets at least this many: shards with few entries evict each other's entries.
inline constexpr std::size_t wanted_entries_per_shard = 1024;

/// An actor that crashes more often than this within the window stays down, unless it
/// is always restarted.
inline constexpr std::uint32_t restart_limit = 5;
inline constexpr std::chrono::milliseconds restart_window{10'000};

/// How long the destructor of a runtime waits for loads in flight.
inline constexpr std::chrono::milliseconds drain_deadline{10'000};

/// The period of the runtime's clockwork. A load that exceeds its timeout is noticed at
/// most this much later. Expired entries are swept once per period, and less often in
/// regions without work.
inline constexpr std::chrono::milliseconds tick{20};

/// The most ticks between two checks of a region without work (320 ms). With this
/// value, 1,000 idle regions take 0.4 % of a processor.
inline constexpr unsigned longest_rest = 16;

} // namespace troupe::defaults
