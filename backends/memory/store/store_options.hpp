#pragma once

#include <chrono>
#include <cstdint>
#include <random>

#include <troupe/backends/memory/table/table_options.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

struct store_options {
  /// Must outlive the store.
  const clock* time = &clock::steady();

  /// For writes that set none; see `region_options`.
  ttl_duration ttl = no_expiry;
  ttl_duration idle = no_expiry;
  double jitter = 0.0;

  /// How long after its deadline a written entry may be stale; only with a finite TTL.
  ttl_duration stale_for = ttl_duration::zero();

  /// Share of the TTL after which a reader starts a refresh; 0: none.
  double refresh_ahead = 0.0;

  /// Whether a written entry with a finite TTL gets moments besides its deadline.
  [[nodiscard]] bool has_moments() const noexcept {
    return stale_for > stale_for.zero() || refresh_ahead > 0.0;
  }

  /// Whether stored values are recorded as events.
  bool record_sets = false;

  /// How long an update lease may be held.
  std::chrono::milliseconds update_lease = defaults::op_timeout;

  /// Seeds the jitter; tests set it.
  std::uint64_t seed = std::random_device{}();

  /// The parts that the stores of a region share; their clock is `time`.
  table_options shared = {};
};

} // namespace troupe::memory
