#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <troupe/messages/types/defaults.hpp>

namespace troupe {

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

} // namespace troupe
