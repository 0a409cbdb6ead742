#pragma once

// When an entry with an idle time expires: every read postpones its deadline, while
// other threads read it and the writer touches, replaces or removes it.
//
//   deadline 8, with two marks on top | idle time 8 | end 8
//
// The deadline is when the entry expires if nothing reads it; the end is the end of its
// TTL, which no read postpones.
//
// Invariants
//   1. A read at t leaves a deadline of t + idle or later, at most 1/64 of the idle
//      time later, and never beyond the end. So a deadline that a read moved suffices
//      for the reads of the next 1/64, which store nothing, and the cache line of a hot
//      entry stays in the caches of all processors.
//   2. A read moves the deadline by compare-exchange. A plain store of a delayed read
//      would move it back, or revive an entry that others found expired or that the
//      writer has touched since.
//   3. A thread that finds that the deadline has passed marks it as `gone`, also by
//      compare-exchange. So one step decides for all threads: a read that took its
//      time before, and tries to move the deadline now, finds the mark.
//   4. The end is compared separately. A read that knows the end from before a touch
//      does not carry the entry beyond the new end.
//   5. The writer settles a deadline when it removes its entry; no read moves it any
//      more. So the table subtracts exactly what it counted for the entry. When a
//      copy replaces the entry, the copy gets what reads have moved until then. A
//      later reader finds it settled and looks up the key again.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include <troupe/messages/types/clock.hpp>

namespace troupe::memory {

/// Thread-safe, except for the writer's functions.
class sliding_deadline {
public:
  /// The old and the new deadline; equal when it was not moved.
  struct move {
    time_point from = {};
    time_point to = {};
  };

  /// The result of a read of the entry.
  struct visit {
    bool alive = false;
    move moved = {};
  };

  /// `deadline` is not after `end`, which may be `never`.
  sliding_deadline(std::chrono::nanoseconds idle, time_point deadline,
                   time_point end) noexcept
    : word_(to_word(deadline)),
      idle_(idle.count()),
      end_(end.time_since_epoch().count()) {
    // nop
  }

  sliding_deadline(const sliding_deadline&) = delete;
  sliding_deadline& operator=(const sliding_deadline&) = delete;

  [[nodiscard]] std::chrono::nanoseconds idle() const noexcept {
    return std::chrono::nanoseconds{idle_};
  }

  /// The end of the TTL; `never` without one.
  [[nodiscard]] time_point end() const noexcept {
    return time_point{
      std::chrono::nanoseconds{end_.load(std::memory_order_relaxed)}};
  }

  /// When the idle time ends, if nothing reads the entry.
  [[nodiscard]] time_point deadline() const noexcept {
    return to_time(word_.load(std::memory_order_acquire));
  }

  /// When it expires if nothing reads it.
  [[nodiscard]] time_point expiry() const noexcept {
    return std::min(deadline(), end());
  }

  /// Whether it has expired at `now`; if so, it has expired for all threads.
  [[nodiscard]] bool passed(time_point now) noexcept {
    auto seen = word_.load(std::memory_order_acquire);
    return !lives(seen, now);
  }

  /// Records a read of the entry at `now`.
  [[nodiscard]] visit read(time_point now) noexcept {
    auto seen = word_.load(std::memory_order_acquire);
    while (lives(seen, now)) {
      const auto until = to_time(seen);
      const auto last = end();
      if (now + idle() <= until || until >= last || (seen & settled) != 0)
        return {true, {until, until}};
      const auto next
        = to_word(std::min(now + idle() + idle() / precision, last));
      if (word_.compare_exchange_weak(seen, next, std::memory_order_acquire))
        return {true, {until, to_time(next)}};
    }
    return {};
  }

  // -- the writer --------------------------------------------------------------

  /// Sets the end; the idle time starts at `now`. Only the end can move the deadline
  /// back.
  move touch(time_point now, time_point end) noexcept {
    end_.store(end.time_since_epoch().count(), std::memory_order_relaxed);
    auto seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      const auto until = to_time(seen);
      const auto next = to_word(std::min(std::max(until, now + idle()), end));
      // Overwrites a mark that a reader set meanwhile: the touch was first.
      if (word_.compare_exchange_weak(seen, next, std::memory_order_release,
                                      std::memory_order_relaxed))
        return {until, to_time(next)};
    }
  }

  /// Moves the deadline of a copy to where the original's was settled, unless a thread
  /// found the copy's deadline passed: that result stays.
  move follow(time_point settled_at) noexcept {
    auto seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      const auto until = to_time(seen);
      if (settled_at <= until || (seen & gone) != 0)
        return {until, until};
      if (word_.compare_exchange_weak(seen, to_word(settled_at),
                                      std::memory_order_release,
                                      std::memory_order_relaxed))
        return {until, settled_at};
    }
  }

  /// No read moves the deadline any more. Returns the final deadline.
  time_point settle() noexcept {
    return to_time(word_.fetch_or(settled, std::memory_order_relaxed));
  }

  /// Whether reads no longer move it. For any thread.
  [[nodiscard]] bool is_settled() const noexcept {
    return (word_.load(std::memory_order_relaxed) & settled) != 0;
  }

  /// A read postpones the deadline by the idle time and at most 1/`precision` of it.
  static constexpr int precision = 64;

private:
  // The marks. No deadline reaches them: they begin 146 years after the clock's start.
  static constexpr std::uint64_t gone = std::uint64_t{1} << 63;
  static constexpr std::uint64_t settled = std::uint64_t{1} << 62;

  [[nodiscard]] static std::uint64_t to_word(time_point x) noexcept {
    return std::min(static_cast<std::uint64_t>(x.time_since_epoch().count()),
                    settled - 1);
  }

  [[nodiscard]] static time_point to_time(std::uint64_t word) noexcept {
    return time_point{std::chrono::nanoseconds{
      static_cast<std::int64_t>(word & (settled - 1))}};
  }

  /// Whether the entry lives at `now`; if not, no thread revives it. `seen` becomes the
  /// word that the answer refers to.
  [[nodiscard]] bool lives(std::uint64_t& seen, time_point now) noexcept {
    for (;;) {
      if ((seen & gone) != 0)
        return false;
      if (now < to_time(seen))
        return now < end();
      if (word_.compare_exchange_weak(seen, seen | gone,
                                      std::memory_order_acquire))
        return false;
    }
  }

  std::atomic<std::uint64_t> word_;
  std::int64_t idle_;
  std::atomic<std::int64_t> end_;
};

static_assert(sizeof(sliding_deadline) == 24);

} // namespace troupe::memory
