#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include <troupe/messages/types/clock.hpp>

namespace troupe {

/// When a breaker opens, and for how long.
struct breaker_options {
  /// Failures in a row after which it opens; 0: never.
  std::uint32_t failures = 0;

  /// How long no load is tried after it opened. Then one load is let through, and decides
  /// whether it closes.
  std::chrono::milliseconds open_for{5'000};

  friend bool operator==(const breaker_options&, const breaker_options&)
    = default;
};

enum class breaker_state : std::uint8_t {
  closed,    ///< Loads run.
  open,      ///< Loads fail at once: the source has failed too often in a row.
  half_open, ///< One load runs, to find out whether the source is back.
};

/// The figures of a breaker.
struct breaker_view {
  breaker_state state = breaker_state::closed;
  std::uint32_t failures = 0;            ///< In a row.
  std::uint64_t opened = 0;              ///< How often it has opened.
  std::uint64_t refused = 0;             ///< Loads that it has refused.
  std::chrono::nanoseconds remaining{0}; ///< Until one load is let through.
};

/// A circuit breaker (M. Nygard, "Release It!"): it keeps loads from a source that is down.
/// Thread-safe; each call takes constant time.
class circuit_breaker {
public:
  explicit circuit_breaker(const breaker_options& options) noexcept
    : options_(options) {
    // nop
  }

  /// Whether a load may run now. After true, `succeeded`, `failed` or `unknown` must
  /// follow.
  [[nodiscard]] bool allow(time_point now) noexcept;

  void succeeded() noexcept;
  void failed(time_point now) noexcept;

  /// The load ended without an answer of the source: it was cancelled, say.
  void unknown() noexcept;

  [[nodiscard]] breaker_view view(time_point now) const noexcept;

private:
  const breaker_options options_;
  mutable std::mutex mutex_;
  breaker_state state_ = breaker_state::closed;
  std::uint32_t failures_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t refused_ = 0;
  time_point open_until_{};
};

} // namespace troupe
