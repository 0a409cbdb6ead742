#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include <troupe/messages/types/clock.hpp>

namespace troupe {

/// The wall clock, as a fixed offset from the clock by which entries expire. So
/// EXPIRETIME shows the moment that EXPIREAT set. Thread-safe.
class wall_clock {
public:
  /// Unix time minus the regions' time `now`. Measured again only when the wall clock
  /// differs by more than `tolerance` from the offset: it was set, or it drifted.
  [[nodiscard]] std::chrono::nanoseconds offset(time_point now) noexcept {
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    const auto measured
      = std::chrono::nanoseconds{wall} - now.time_since_epoch();
    const std::chrono::nanoseconds kept{
      offset_.load(std::memory_order_relaxed)};
    if (std::chrono::abs(measured - kept) <= tolerance)
      return kept;
    offset_.store(measured.count(), std::memory_order_relaxed);
    return measured;
  }

  /// Unix time in milliseconds of a point of the regions' time, when that clock shows
  /// `now`.
  [[nodiscard]] std::int64_t unix_time(time_point x, time_point now) noexcept {
    const auto since = x.time_since_epoch() + offset(now);
    return std::chrono::floor<std::chrono::milliseconds>(since).count();
  }

  /// Small compared with a change by a person, large compared with the slewing of
  /// clocks.
  static constexpr std::chrono::milliseconds tolerance{100};

private:
  std::atomic<std::int64_t> offset_{0};
};

} // namespace troupe
