#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace troupe {

/// Monotonic time in nanoseconds since an arbitrary start. Deadlines are points of this
/// clock; wall-clock time decides nothing.
using time_point = std::chrono::time_point<std::chrono::steady_clock,
                                           std::chrono::nanoseconds>;

/// The deadline of an entry that does not expire.
inline constexpr time_point never = time_point::max();

/// The runtime's source of time. Thread-safe; must never go backwards. Must outlive
/// every object that was made with it.
class clock {
public:
  virtual ~clock() = default;

  [[nodiscard]] virtual time_point now() const noexcept = 0;

  /// The same, perhaps some milliseconds behind, where that is cheaper: for records.
  [[nodiscard]] virtual time_point coarse() const noexcept {
    return now();
  }

  /// The machine's monotonic clock; lives as long as the process.
  static const clock& steady() noexcept;
};

/// A clock that moves only by `advance`, so that tests control time. Thread-safe.
class manual_clock final : public clock {
public:
  [[nodiscard]] time_point now() const noexcept override {
    return time_point{
      std::chrono::nanoseconds{now_.load(std::memory_order_acquire)}};
  }

  /// Moves time forward by `step`, which must not be negative.
  void advance(std::chrono::nanoseconds step) noexcept {
    now_.fetch_add(step.count(), std::memory_order_acq_rel);
  }

private:
  // Starts at one day, so that "an hour ago" is a valid time.
  std::atomic<std::int64_t> now_{
    std::chrono::nanoseconds{std::chrono::hours{24}}.count()};
};

} // namespace troupe
