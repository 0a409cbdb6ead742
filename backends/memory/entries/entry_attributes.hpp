#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>

#include <troupe/backends/memory/entries/tag_id.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe::memory {

/// What an entry is good for beside its deadline. Both times are relative to the
/// deadline, so that a touch moves them with it.
struct entry_moments {
  /// How long after its deadline it may answer callers that accept stale values.
  std::chrono::nanoseconds stale_for{0};

  /// When a reader that loads should start a new load. Negative: before the end of the
  /// TTL, and at the deadline at the latest. Otherwise: after the deadline.
  std::chrono::nanoseconds refresh_offset{0};

  /// The entry says that the loader found no value. It is stored with a deadline that
  /// has passed, so that ordinary readers never see it.
  bool absence = false;

  /// Whether an entry needs room for them.
  [[nodiscard]] bool any() const noexcept {
    return (stale_for.count() | refresh_offset.count()) != 0;
  }
};

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

  /// Only with a deadline.
  entry_moments moments;

  /// Whether the entry has neither tags nor moments.
  [[nodiscard]] bool ends_with_value() const noexcept {
    // One test on the path of every write.
    return (static_cast<std::int64_t>(tags.size()) | moments.stale_for.count()
            | moments.refresh_offset.count())
           == 0;
  }

  [[nodiscard]] bool slides() const noexcept {
    return idle != idle.zero();
  }

  /// When it expires if nothing reads or writes it.
  [[nodiscard]] time_point expiry() const noexcept {
    return slides() ? std::min(deadline, idle_until) : deadline;
  }

  /// When its memory may be freed, if nothing reads or writes it: `after_deadline` of
  /// its expiry.
  [[nodiscard]] time_point usable_until() const noexcept {
    return after_deadline(expiry(), moments.stale_for);
  }

  /// `span` after a deadline; `never` when there is none, or when the clock cannot
  /// express it.
  [[nodiscard]] static time_point
  after_deadline(time_point deadline, std::chrono::nanoseconds span) noexcept {
    return span < never - deadline ? deadline + span : never;
  }
};

} // namespace troupe::memory
