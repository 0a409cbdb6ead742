#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/eviction.hpp>
#include <troupe/messages/types/namespaces.hpp>
#include <troupe/messages/types/tags.hpp>

namespace troupe {

class provider_factory;

/// A time to live, in milliseconds. Positive, or `no_expiry`.
using ttl_duration = std::chrono::milliseconds;

/// The TTL of an entry that never expires.
inline constexpr ttl_duration no_expiry = ttl_duration::max();

/// The longest finite TTL: 100 years, so that adding it to the clock cannot overflow.
inline constexpr ttl_duration max_ttl = std::chrono::hours{24 * 365 * 100};

/// Where the loader of a blocking call runs.
enum class load_on : std::uint8_t {
  /// On the thread of the caller: a miss costs no change of threads. The caller cannot
  /// leave its own loader before it returns.
  caller,

  /// On one of the runtime's loader threads, of which there are `loader-threads`.
  pool,
};

/// The circuit breaker of a region's loads: it keeps them from a source that is down
/// (M. Nygard, "Release It!").
struct breaker_options {
  /// Regions that name the same breaker share it: it stands for their source. Empty: the
  /// region's name.
  std::string name = {};

  /// Failed loads in a row after which it opens: loads then fail at once. 0: never.
  std::uint32_t failures = 0;

  /// How long it stays open. Then one load is let through, and decides whether it closes.
  std::chrono::milliseconds open_for = defaults::breaker_open_for;

  friend bool operator==(const breaker_options&, const breaker_options&)
    = default;
};

/// The options of a region. Plain values; `check` checks them when the region is
/// opened.
struct region_options {
  /// TTL of entries that are written without their own TTL.
  ttl_duration ttl = no_expiry;

  /// Idle time of entries that are written without their own. An entry expires after
  /// its idle time without a read or write, at the latest at the end of its TTL. It
  /// never expires earlier, and at most 1/64 of the idle time later; see
  /// docs/memory.md.
  ttl_duration idle = no_expiry;

  /// Share of the TTL, in [0, 1), by which an entry may expire early: the actual TTL is
  /// uniform in [ttl * (1 - jitter), ttl], so that entries written together do not
  /// expire together, and no entry outlives its TTL.
  double jitter = 0.0;

  /// How long after its deadline a stale value may be served when a load fails; 0: not
  /// at all. Entries without a finite TTL are never stale. The memory of a stale entry
  /// stays charged until this time has passed, unless the entry is evicted.
  ttl_duration fail_safe = ttl_duration::zero();

  /// After a failed load, how long no further load is tried while a stale value is
  /// served.
  ttl_duration fail_safe_throttle = defaults::fail_safe_throttle;

  /// How long after its deadline a stale value is served while a load in the background
  /// replaces it; 0: not at all.
  ttl_duration stale_while_revalidate = ttl_duration::zero();

  /// Share of the TTL, in [0, 1), after which a reader starts a load in the background;
  /// 0: none does. The moment is uniform between this share and the middle of the rest
  /// of the TTL, so that entries written together are not refreshed together.
  double refresh_ahead = 0.0;

  /// How long it is remembered that a loader found no value. Empty: it is not.
  std::optional<ttl_duration> absence_ttl = std::nullopt;

  /// Number of shards, a power of two up to 256; 0: the runtime's setting, or 16 per
  /// core, each made at the first change of one of its keys.
  std::size_t shards = 0;

  /// How long a loader may run before another waiter's loader replaces it. Empty: the
  /// runtime's setting, or `defaults::load_timeout`.
  std::optional<std::chrono::milliseconds> load_timeout = std::nullopt;

  /// Where the loaders of blocking calls run, unless a call says otherwise.
  troupe::load_on load_on = troupe::load_on::caller;

  /// How long a load waits for a loader thread before it gets `overloaded`. The
  /// loader's own time counts from its start. Empty: the runtime's setting, or
  /// `defaults::queue_timeout`.
  std::optional<std::chrono::milliseconds> queue_timeout = std::nullopt;

  /// How many waiters' loaders one load tries before all waiters get the error.
  std::uint32_t load_attempts = defaults::load_attempts;

  /// How often a loader that failed is called again before the next waiter's; 0: never.
  std::uint32_t load_retries = 0;

  /// The pause before the first of these calls. Each further one is twice as long, up to
  /// `defaults::longest_retry_backoff`; the actual pause is between half of it and all.
  std::chrono::milliseconds retry_backoff = defaults::retry_backoff;

  /// How long a caller waits for a load when it could be served a stale value
  /// (`fail_safe`): then it gets that value, and the load goes on. 0: until the load ends.
  /// With this or `hard_timeout`, loaders of blocking calls run on the pool.
  std::chrono::milliseconds soft_timeout{0};

  /// How long a caller waits for a load in any case: then it gets the stale value or
  /// `load_timeout`, and the load goes on. 0: until the load ends.
  std::chrono::milliseconds hard_timeout{0};

  /// Loads in flight, and callers that wait for them; a further one gets `overloaded`.
  std::size_t max_loads = defaults::max_loads;
  std::size_t max_load_waiters = defaults::max_load_waiters;

  /// The circuit breaker of the region's loads; by default none.
  breaker_options breaker = {};

  /// How long an operation waits for a shard that restarts or for the update lease of
  /// its key. Empty: the runtime's setting, or `defaults::op_timeout`.
  std::optional<std::chrono::milliseconds> op_timeout = std::nullopt;

  /// Limit of the entries' memory in bytes, everything included (see docs/memory.md);
  /// 0: only the runtime's limit. One entry may take half of it. At least 1 KiB for
  /// each shard.
  std::size_t max_bytes = 0;

  /// Limit of the number of entries; 0: no limit. Exact: it is not exceeded when a
  /// write has returned. While several threads write, there may be one more entry per
  /// shard.
  std::size_t max_entries = 0;

  /// Which entries are evicted when a limit is reached.
  eviction_policy eviction = eviction_policy::s3_fifo;

  /// Largest key, in bytes; up to `defaults::largest_key_size`, 2 MiB.
  std::size_t max_key_size = defaults::max_key_size;

  /// Largest encoded value, in bytes.
  std::size_t max_value_size = defaults::max_value_size;

  /// Prefixes of keys with their own limits, up to 64; see namespaces.hpp.
  std::vector<namespace_options> namespaces = {};

  /// Where the bytes live; nullptr: in memory, within the runtime's limit.
  std::shared_ptr<const provider_factory> provider = nullptr;

  /// Whether the region is closed, with its entries, soon after its last handle went: a
  /// `cache<V>` or a pointer that `runtime` returned. See `runtime::close`.
  bool close_when_unused = false;

  /// Whether stored values are recorded as events of their keys (`region::explain`), too.
  /// Then every write costs as much more as an event. Without it, an entry's version tells
  /// whether a value was stored after the other events.
  bool record_sets = false;
};

/// The state of the key that a `set` requires.
enum class write_condition : std::uint8_t {
  always,     ///< Store in any case.
  if_absent,  ///< Store only when there is no live entry (Redis: NX).
  if_present, ///< Store only over a live entry (Redis: XX).
};

/// The options of one write; the region's apply where they are empty.
struct write_options {
  /// TTL of this entry; empty: the region's.
  std::optional<ttl_duration> ttl = std::nullopt;

  /// Idle time of this entry; empty: the region's, `no_expiry`: no idle time.
  std::optional<ttl_duration> idle = std::nullopt;

  /// Jitter of this entry; empty: the region's.
  std::optional<double> jitter = std::nullopt;

  /// How long after its deadline this entry may be served as stale; 0: not at all.
  /// Empty: the larger one of the region's `fail_safe` and `stale_while_revalidate`.
  std::optional<ttl_duration> stale_for = std::nullopt;

  write_condition condition = write_condition::always;

  /// Keeps the end of the TTL, the idle time and the moments of the entry that is
  /// replaced, if there is one; `ttl`, `idle` and `stale_for` then apply to a new entry
  /// only.
  bool keep_ttl = false;

  /// Names under which the entry can be invalidated together with others: up to 1,024
  /// names of up to 64 KiB each. When this is empty, `keep_ttl` keeps the tags of the
  /// entry that is replaced.
  troupe::tags tags = {};
};

/// Checks the options. Errors: `invalid_argument`, with the name of the field, its
/// value and the allowed range.
[[nodiscard]] expected<void> check(const region_options& x);

[[nodiscard]] inline bool valid_ttl(ttl_duration x) noexcept {
  return x == no_expiry || (x > ttl_duration::zero() && x <= max_ttl);
}

/// Whether `x` is a valid time for which an entry stays usable after its deadline.
[[nodiscard]] inline bool valid_staleness(ttl_duration x) noexcept {
  return x >= ttl_duration::zero() && x <= max_ttl;
}

[[nodiscard]] inline bool valid_jitter(double x) noexcept {
  // Written so that NaN fails as well.
  return x >= 0.0 && x < 1.0;
}

/// Whether `check` succeeds. Every write calls it.
[[nodiscard]] inline bool valid(const write_options& x) noexcept {
  return (!x.ttl || valid_ttl(*x.ttl)) && (!x.idle || valid_ttl(*x.idle))
         && (!x.jitter || valid_jitter(*x.jitter))
         && (!x.stale_for || valid_staleness(*x.stale_for)) && x.tags.valid();
}

/// The same for a single write.
[[nodiscard]] expected<void> check(const write_options& x);

} // namespace troupe
