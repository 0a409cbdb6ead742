#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>

#include <troupe/backends/memory/entries/tag_id.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe::memory {

/// The parts of an entry beside key and value; optional parts take no space when
/// unused.
struct entry_attributes {
  /// The end of its TTL.
  time_point deadline = never;

  /// Its idle time (zero: none), and when it ends if nothing reads or writes the entry.
  std::chrono::nanoseconds idle{0};
  time_point idle_until = never;

  /// `born` is used with tags only; see tag_registry.hpp.
  std::uint64_t born = 0;
  std::span<const tag_id> tags = {};

  [[nodiscard]] bool slides() const noexcept {
    return idle != idle.zero();
  }

  /// When it expires if nothing reads or writes it.
  [[nodiscard]] time_point expiry() const noexcept {
    return slides() ? std::min(deadline, idle_until) : deadline;
  }
};

} // namespace troupe::memory
