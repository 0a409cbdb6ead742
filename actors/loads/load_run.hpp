#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include <troupe/backends/core/futex.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe {

class load_edge;

/// One attempt of a load: one run of one caller's loader. The thread that runs the
/// loader and the coordinator share it. Thread-safe, unless a member says otherwise.
class load_run {
public:
  /// Which run of a load it is.
  struct place {
    std::uint32_t attempt = 1; ///< 1 for the first run of the load.
    std::uint32_t loader = 1;  ///< 1 for the loader of its first caller.
    std::uint32_t retry = 0;   ///< How often this loader was called before.
  };

  /// It may begin from `not_before` on, and waits for a thread until `queued_until`.
  load_run(const place& which, time_point not_before, time_point queued_until)
    : which_(which),
      not_before_(not_before),
      queued_until_(queued_until),
      phase_(word(which.retry == 0 ? phase::queued : phase::delayed)) {
    // nop
  }

  [[nodiscard]] const place& which() const noexcept {
    return which_;
  }

  [[nodiscard]] std::uint32_t attempt() const noexcept {
    return which_.attempt;
  }

  /// Ends the pause before a retry when it is over; true for the one call that does. The
  /// caller has to see to it that the run begins.
  [[nodiscard]] bool release(time_point now) noexcept {
    return now >= not_before_ && change(phase::delayed, phase::queued);
  }

  /// Waits until the pause is over or the run was withdrawn. For the thread that runs
  /// the loader.
  void await_release(const clock& time) noexcept {
    while (phase_.load(std::memory_order_acquire) == word(phase::delayed)) {
      const auto now = time.now();
      if (now < not_before_)
        futex_wait(phase_, word(phase::delayed), not_before_ - now);
      else
        static_cast<void>(release(now));
    }
  }

  /// When the wait for a thread ends.
  [[nodiscard]] time_point queued_until() const noexcept {
    return queued_until_;
  }

  /// Begins the run, which has to end at `deadline`. False when it was withdrawn or
  /// another thread has begun it.
  [[nodiscard]] bool begin(time_point deadline) noexcept {
    // A deadline that the run does not get is never read.
    if (!queued())
      return false;
    deadline_.store(deadline, std::memory_order_relaxed);
    return change(phase::queued, phase::running);
  }

  /// Keeps the run from beginning; false when it has begun.
  bool withdraw() noexcept {
    // Queued again: a release may come between the first two.
    return change(phase::queued, phase::withdrawn)
           || change(phase::delayed, phase::withdrawn)
           || change(phase::queued, phase::withdrawn);
  }

  /// Whether it waits for a thread.
  [[nodiscard]] bool queued() const noexcept {
    return phase_.load(std::memory_order_acquire) == word(phase::queued);
  }

  /// When its time ends; nothing while it waits for a thread.
  [[nodiscard]] std::optional<time_point> deadline() const noexcept {
    if (phase_.load(std::memory_order_acquire) != word(phase::running))
      return std::nullopt;
    return deadline_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::stop_token stop_token() const noexcept {
    return stop_.get_token();
  }

  /// Says to the loader that its result is no longer wanted.
  void stop() noexcept {
    stop_.request_stop();
  }

  /// The edge to the loads that this run's loader waits for; of load_graph.cpp alone,
  /// under its mutex.
  const load_edge* waits_for = nullptr;

private:
  enum class phase : std::uint32_t { delayed, queued, running, withdrawn };

  [[nodiscard]] static constexpr std::uint32_t word(phase x) noexcept {
    return static_cast<std::uint32_t>(x);
  }

  bool change(phase from, phase to) noexcept {
    auto before = word(from);
    if (!phase_.compare_exchange_strong(before, word(to),
                                        std::memory_order_acq_rel))
      return false;
    if (from == phase::delayed)
      futex_wake_one(&phase_);
    return true;
  }

  const place which_;
  const time_point not_before_;
  const time_point queued_until_;
  futex_word phase_;
  std::atomic<time_point> deadline_{never};
  std::stop_source stop_;
};

} // namespace troupe
