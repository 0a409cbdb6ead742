#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>

#include <troupe/backends/memory/entries/tag_id.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe::memory {

/// What an entry carries beside key and value; each part costs memory only where
/// it is used.
struct entry_attributes {
  /// The end of its TTL.
  time_point deadline = never;

  /// How long it lives without a read, zero: for ever; and when that is over if
  /// nobody comes.
  std::chrono::nanoseconds idle{0};
  time_point idle_until = never;

  /// `born` counts only with tags; see tag_registry.hpp.
  std::uint64_t born = 0;
  std::span<const tag_id> tags = {};

  [[nodiscard]] bool slides() const noexcept {
    return idle != idle.zero();
  }

  /// When it expires if nobody comes.
  [[nodiscard]] time_point expiry() const noexcept {
    return slides() ? std::min(deadline, idle_until) : deadline;
  }
};

} // namespace troupe::memory
