#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

enum class breaker_state : std::uint8_t {
  closed,    ///< Loads run.
  open,      ///< Loads fail at once: the source has failed too often in a row.
  half_open, ///< One load runs, to find out whether the source is back.
};

/// "closed", "open" or "half-open".
[[nodiscard]] constexpr std::string_view to_string(breaker_state x) noexcept {
  switch (x) {
    case breaker_state::open:
      return "open";
    case breaker_state::half_open:
      return "half-open";
    default:
      return "closed";
  }
}

/// The figures of a breaker.
struct breaker_view {
  std::string name = {};
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
  explicit circuit_breaker(breaker_options options) noexcept
    : options_(std::move(options)) {
    // nop
  }

  /// Whether a load may run now. After true, `succeeded`, `failed` or `unknown` must
  /// follow.
  [[nodiscard]] bool allow(time_point now) noexcept;

  void succeeded() noexcept;
  void failed(time_point now) noexcept;

  /// The load ended without an answer of the source: it was cancelled, say.
  void unknown() noexcept;

  [[nodiscard]] const breaker_options& options() const noexcept {
    return options_;
  }

  /// Throws std::bad_alloc.
  [[nodiscard]] breaker_view view(time_point now) const;

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
