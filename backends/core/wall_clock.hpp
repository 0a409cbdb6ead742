#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include <troupe/messages/types/clock.hpp>

namespace troupe {

/// The wall clock, as seen from the clock by which entries expire: the two are
/// apart by a fixed offset. So the moment that EXPIREAT puts in is the one that
/// EXPIRETIME shows. Thread-safe.
class wall_clock {
public:
  /// Unix time less the regions' time, which is `now`. Measured anew only when
  /// the wall clock is more than `tolerance` away from where it should be:
  /// somebody set it, or it drifted.
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

  /// Unix time in milliseconds of a point in the regions' time, which is `now`.
  [[nodiscard]] std::int64_t unix_time(time_point x, time_point now) noexcept {
    const auto since = x.time_since_epoch() + offset(now);
    return std::chrono::floor<std::chrono::milliseconds>(since).count();
  }

  /// Small against what people set, large against how clocks are slewed.
  static constexpr std::chrono::milliseconds tolerance{100};

private:
  std::atomic<std::int64_t> offset_{0};
};

} // namespace troupe
