#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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

/// The longest finite TTL: a hundred years, so that adding it to the clock
/// cannot overflow.
inline constexpr ttl_duration max_ttl = std::chrono::hours{24 * 365 * 100};

/// How a region behaves. Plain values, checked by `check` when the region is
/// opened.
struct region_options {
  /// TTL of entries that are written without one of their own.
  ttl_duration ttl = no_expiry;

  /// Entries that are written without an idle time of their own expire when nobody
  /// has read or written them for so long, the TTL being the latest end. Never
  /// before that, and at most a 64th of it later; see docs/memory.md.
  ttl_duration idle = no_expiry;

  /// Share of the TTL, in [0, 1), by which an entry may expire early: the
  /// actual TTL is uniform in [ttl * (1 - jitter), ttl], so that entries
  /// written together do not expire together, and none lives longer than told.
  double jitter = 0.0;

  /// Number of shards, a power of two up to 256; 0: as the runtime is configured,
  /// or else 16 per core.
  std::size_t shards = 0;

  /// How long a loader may run before another waiter's loader replaces it. Empty:
  /// as the runtime is configured, or else `defaults::load_timeout`.
  std::optional<std::chrono::milliseconds> load_timeout = std::nullopt;

  /// How long a load waits for a loader thread before `overloaded` is answered. The
  /// loader's own time counts from when it starts. Empty: as the runtime is configured,
  /// or else `defaults::queue_timeout`.
  std::optional<std::chrono::milliseconds> queue_timeout = std::nullopt;

  /// How many waiters' loaders one load tries before all get the error.
  std::uint32_t load_attempts = defaults::load_attempts;

  /// How long an operation waits for a shard that restarts or for the update
  /// lease of its key. Empty: as the runtime is configured, or else
  /// `defaults::op_timeout`.
  std::optional<std::chrono::milliseconds> op_timeout = std::nullopt;

  /// Limit of what the entries take, in bytes, everything included (see
  /// docs/memory.md); 0: none but the runtime's. One entry may take half of
  /// it. At least 1 KiB for each shard.
  std::size_t max_bytes = 0;

  /// Limit of the number of entries; 0: none. Exact: when a write returned, there are
  /// no more. While several threads write, there may be one per shard more.
  std::size_t max_entries = 0;

  /// Which entries go when a limit is reached.
  eviction_policy eviction = eviction_policy::s3_fifo;

  /// Largest key, in bytes; up to `defaults::largest_key_size`, 2 MiB.
  std::size_t max_key_size = defaults::max_key_size;

  /// Largest encoded value, in bytes.
  std::size_t max_value_size = defaults::max_value_size;

  /// Prefixes of keys with limits of their own, up to 64; see namespaces.hpp.
  std::vector<namespace_options> namespaces = {};

  /// Where the bytes live; nullptr: in memory, within the limit of the runtime.
  std::shared_ptr<const provider_factory> provider = nullptr;
};

/// Which state of the key a `set` asks for.
enum class write_condition : std::uint8_t {
  always,     ///< Store in any case.
  if_absent,  ///< Store only when there is no live entry (Redis: NX).
  if_present, ///< Store only over a live entry (Redis: XX).
};

/// What one write may say for itself; what it leaves open, the region decides.
struct write_options {
  /// TTL of this entry; empty: the region's.
  std::optional<ttl_duration> ttl = std::nullopt;

  /// Idle time of this entry; empty: the region's, `no_expiry`: none.
  std::optional<ttl_duration> idle = std::nullopt;

  /// Jitter of this entry; empty: the region's.
  std::optional<double> jitter = std::nullopt;

  write_condition condition = write_condition::always;

  /// Keeps the end of the TTL and the idle time of the entry that is replaced, if
  /// there is one; `ttl` and `idle` then only count for a new entry.
  bool keep_ttl = false;

  /// Names under which the entry can be invalidated together with others, up to
  /// 1,024 of up to 64 KiB each. `keep_ttl` keeps those of the entry that is
  /// replaced, if these are empty.
  troupe::tags tags = {};
};

/// Tells what is wrong with these options: `invalid_argument` with the name of
/// the field, its value and the allowed range.
[[nodiscard]] expected<void> check(const region_options& x);

[[nodiscard]] inline bool valid_ttl(ttl_duration x) noexcept {
  return x == no_expiry || (x > ttl_duration::zero() && x <= max_ttl);
}

[[nodiscard]] inline bool valid_jitter(double x) noexcept {
  // Written so that NaN fails, too.
  return x >= 0.0 && x < 1.0;
}

/// Whether `check` finds nothing wrong. Every write asks that.
[[nodiscard]] inline bool valid(const write_options& x) noexcept {
  return (!x.ttl || valid_ttl(*x.ttl)) && (!x.idle || valid_ttl(*x.idle))
         && (!x.jitter || valid_jitter(*x.jitter)) && x.tags.valid();
}

/// As above, for a single write.
[[nodiscard]] expected<void> check(const write_options& x);

} // namespace troupe
