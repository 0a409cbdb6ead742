#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include <troupe/backends/memory/entries/entry_attributes.hpp>
#include <troupe/backends/memory/entries/entry_layout.hpp>
#include <troupe/backends/memory/entries/sliding_deadline.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe::memory {

/// When an entry expires, and its moments besides: until when it is usable, and from
/// when on a reader should load it again.
///
///   written ──── refresh_from ──── deadline ──── usable_until
///   fresh ─────────────────────────┤ stale ─────┤ its memory may be freed
class entry_times : public entry_layout {
public:
  /// When it expires; with an idle time, if nothing reads or writes it.
  [[nodiscard]] time_point deadline() const noexcept {
    return slides() ? sliding().expiry() : fixed_deadline();
  }

  [[nodiscard]] bool expires() const noexcept {
    return deadline() != never;
  }

  /// Whether it has expired at `now`.
  [[nodiscard]] bool expired(time_point now) const noexcept {
    return slides() ? sliding().passed(now) : fixed_deadline() <= now;
  }

  /// Only for an entry that slides.
  [[nodiscard]] sliding_deadline& sliding() const noexcept {
    return *reinterpret_cast<sliding_deadline*>(tail());
  }

  // -- moments -----------------------------------------------------------------

  /// How long after its deadline it may answer callers that accept stale values.
  [[nodiscard]] std::chrono::nanoseconds stale_for() const noexcept {
    if (!has_moments())
      return std::chrono::nanoseconds{0};
    return std::chrono::nanoseconds{
      *reinterpret_cast<const std::int64_t*>(moments_block())};
  }

  /// When its memory may be freed, if nothing reads or writes it.
  [[nodiscard]] time_point usable_until() const noexcept {
    return entry_attributes::after_deadline(deadline(), stale_for());
  }

  /// Whether its memory may be freed at `now`.
  [[nodiscard]] bool used_up(time_point now) const noexcept {
    return expires() && expired(now) && usable_until() <= now;
  }

  /// From when on a reader that loads should start a new load.
  [[nodiscard]] time_point refresh_from() const noexcept {
    const auto end = deadline();
    if (!has_moments() || end == never)
      return end;
    const auto offset = refresh_offset();
    if (offset >= offset.zero())
      return entry_attributes::after_deadline(end, offset);
    const auto last = slides() ? sliding().end() : end;
    return last == never ? end : std::min(end, last + offset);
  }

  /// For the writer: makes `refresh_from` be `from`, unless it is later already. Has no
  /// effect without moments.
  void postpone_refresh(time_point from) noexcept {
    const auto end = deadline();
    if (!has_moments() || end == never || from <= refresh_from())
      return;
    const auto base = from < end && slides() ? sliding().end() : end;
    refresh_field().store((from - base).count(), std::memory_order_relaxed);
  }

protected:
  using entry_layout::entry_layout;

  ~entry_times() = default;

  [[nodiscard]] time_point fixed_deadline() const noexcept {
    if (!has_deadline())
      return never;
    return time_point{std::chrono::nanoseconds{
      deadline_field().load(std::memory_order_relaxed)}};
  }

  [[nodiscard]] std::atomic<std::int64_t>& deadline_field() const noexcept {
    return *reinterpret_cast<std::atomic<std::int64_t>*>(tail());
  }

  /// Only with moments.
  [[nodiscard]] std::atomic<std::int64_t>& refresh_field() const noexcept {
    return *reinterpret_cast<std::atomic<std::int64_t>*>(
      moments_block() + sizeof(std::int64_t));
  }

  [[nodiscard]] std::chrono::nanoseconds refresh_offset() const noexcept {
    return std::chrono::nanoseconds{
      refresh_field().load(std::memory_order_relaxed)};
  }
};

} // namespace troupe::memory
