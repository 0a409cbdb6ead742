#pragma once

// The tasks that a lane (lane.hpp) queues and runs.

#include <atomic>
#include <cstdint>
#include <utility>

#include <troupe/backends/core/futex.hpp>

namespace troupe {

class lane;

/// A unit of work for a lane. Derive from it, or use `blocking_task` or
/// `detached_task`. A waited task belongs to its submitter and lives until `lane::run`
/// or `lane::try_run` returned. A detached task is freed by its `release` after it ran.
class lane_task {
public:
  using function = void (*)(lane_task& self) noexcept;

  /// A task with a `release` function is detached. A task without a function to run is
  /// the place of a caller that will hold the lane.
  explicit lane_task(function run, function release = nullptr) noexcept
    : run_(run), release_(release) {
    // nop
  }

  lane_task(const lane_task&) = delete;
  lane_task& operator=(const lane_task&) = delete;

private:
  friend class lane;

  enum state : std::uint32_t {
    pending,  ///< Not run yet.
    parked,   ///< Like `pending`; the waiter sleeps on the futex.
    promoted, ///< The waiter must become the runner, starting here.
    done,     ///< Ran; the runner will not touch this object again.
  };

  function run_;
  function release_;
  std::atomic<lane_task*> next_{nullptr};
  futex_word state_{pending};
};

/// A callable on the caller's stack as a task. `f` must not throw.
template <class F>
class blocking_task final : public lane_task {
public:
  explicit blocking_task(F& f) noexcept : lane_task(&invoke), f_(f) {
    // nop
  }

private:
  static void invoke(lane_task& self) noexcept {
    static_cast<blocking_task&>(self).f_();
  }

  F& f_;
};

/// A callable on the heap as a detached task; frees itself after it ran.
template <class F>
class detached_task final : public lane_task {
public:
  explicit detached_task(F f) : lane_task(&invoke, &destroy), f_(std::move(f)) {
    // nop
  }

private:
  static void invoke(lane_task& self) noexcept {
    static_cast<detached_task&>(self).f_();
  }

  static void destroy(lane_task& self) noexcept {
    delete &static_cast<detached_task&>(self);
  }

  F f_;
};

} // namespace troupe
