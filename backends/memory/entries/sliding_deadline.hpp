#pragma once

// When an entry with an idle time expires: every read puts its deadline off, while
// other threads read it, too, and the writer touches it, replaces it or clears it
// away.
//
//   deadline 8, with two marks on top | idle time 8 | end 8
//
// The deadline is when the entry expires if nobody comes; the end is that of its
// TTL, which no read puts off.
//
// Invariants
//   1. A read at t leaves a deadline of t + idle or later, but for the end: at
//      most a 64th of the idle time later. So a deadline that a read moves is
//      good for the reads of the next 64th, which store nothing, and the line of
//      a hot entry stays in the caches of all processors.
//   2. A read moves the deadline by compare-exchange. With a plain store, one that
//      was held up since it looked would move it back, or revive what others have
//      found expired or the writer has touched since.
//   3. Whoever finds that it has passed marks it as `gone`, by compare-exchange as
//      well. So it is one step that decides, and the same for all: a read that
//      asked the clock before, and comes to move it now, finds the mark.
//   4. The end is compared on its own. A read that knows the one from before a
//      touch does not carry the entry beyond the new one.
//   5. The writer settles a deadline when its entry goes, and no read moves it any
//      more. So what the table counted for it can be taken back exactly, and when
//      the entry goes because a copy has taken its place, the copy gets what reads
//      have moved until then. Who comes later finds it settled and looks again.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include <troupe/messages/types/clock.hpp>

namespace troupe::memory {

/// Thread-safe but for what is the writer's.
class sliding_deadline {
public:
  /// From where to where a deadline was moved; the same when it was not.
  struct move {
    time_point from = {};
    time_point to = {};
  };

  /// How a read found the entry.
  struct visit {
    bool alive = false;
    move moved = {};
  };

  /// `deadline` is not behind `end`, which may be `never`.
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

  /// When the entry has idled for long enough, if nobody comes.
  [[nodiscard]] time_point deadline() const noexcept {
    return to_time(word_.load(std::memory_order_acquire));
  }

  /// When it expires if nobody comes.
  [[nodiscard]] time_point expiry() const noexcept {
    return std::min(deadline(), end());
  }

  /// Whether it has expired at `now`; if so, it has for everybody.
  [[nodiscard]] bool passed(time_point now) noexcept {
    auto seen = word_.load(std::memory_order_acquire);
    return !lives(seen, now);
  }

  /// Somebody reads the entry at `now`.
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

  /// Gives it another end; it idles from `now` on. Only the end moves it back.
  move touch(time_point now, time_point end) noexcept {
    end_.store(end.time_since_epoch().count(), std::memory_order_relaxed);
    auto seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      const auto until = to_time(seen);
      const auto next = to_word(std::min(std::max(until, now + idle()), end));
      // A mark that a reader set since the writer looked goes: the touch was first.
      if (word_.compare_exchange_weak(seen, next, std::memory_order_release,
                                      std::memory_order_relaxed))
        return {until, to_time(next)};
    }
  }

  /// Moves it to where that of the entry was settled that this one is a copy of.
  /// Unless it was found to have passed already: what others have seen stays.
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

  /// It moves no more. The deadline for good.
  time_point settle() noexcept {
    return to_time(word_.fetch_or(settled, std::memory_order_relaxed));
  }

  /// Whether reads move it no more. For any thread.
  [[nodiscard]] bool is_settled() const noexcept {
    return (word_.load(std::memory_order_relaxed) & settled) != 0;
  }

  /// A read leaves a deadline of up to one of this many parts of the idle time
  /// more than that.
  static constexpr int precision = 64;

private:
  // The marks. No deadline comes near them: they begin 146 years after the clock.
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

  /// Whether it lives at `now`; if not, nobody brings it back. `seen` becomes the
  /// word that the answer is about.
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
