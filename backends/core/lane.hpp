#pragma once

// The mailbox of a shard: a queue whose tasks run on the thread that finds it
// idle.
//
//   tail_ == nullptr         idle
//   tail_ == last task       a thread runs; tasks are linked first → last
//
// A submitter swaps its task into `tail_`. When it found nullptr, the lane was idle:
// the submitter becomes the runner and starts with its own task. When it found a task,
// it links its own behind that one and either waits (blocking callers) or returns. The
// runner follows the links; at the end it swaps the tail from the last task back to
// nullptr, and the lane is idle again. This is the queue of an MCS lock
// (Mellor-Crummey, Scott 1991), with the critical sections passed to the holder, as in
// CC-Synch (Fatourou, Kallimanis 2012).
//
// A runner executes a bounded number of other threads' tasks, then passes its role to
// the next blocking caller, or to the executor when no caller blocks.
//
// A caller that needs several lanes at once holds them (`lane_hold`): it queues a place
// without a function, to which the runner passes its role. That is the original MCS
// lock, in one order with the tasks.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <troupe/backends/core/futex.hpp>
#include <troupe/backends/core/lane_task.hpp>

namespace troupe {

class lane;

namespace detail {

/// The lanes that the calling thread runs or holds now, innermost first: a task may
/// find another lane idle and run it inside.
struct lane_frame {
  const lane* which;
  bool held;
  lane_frame* outer;
};

extern thread_local constinit lane_frame* innermost_lane;

/// Records during its lifetime that the calling thread runs a lane's tasks.
class running_scope {
public:
  explicit running_scope(const lane* which) noexcept
    : frame_{which, false, innermost_lane} {
    innermost_lane = &frame_;
  }

  ~running_scope() {
    innermost_lane = frame_.outer;
  }

  running_scope(const running_scope&) = delete;
  running_scope& operator=(const running_scope&) = delete;

private:
  lane_frame frame_;
};

} // namespace detail

/// Runs lanes that a runner passed on. Thread-safe.
class lane_executor {
public:
  virtual ~lane_executor() = default;

  /// Causes one call of `lane::resume`, soon, on another thread.
  virtual void schedule(lane& which) noexcept = 0;
};

/// A multi-producer queue with one runner at a time, first in, first out.
///
/// Thread-safe except for the destructor, which needs the lane idle. Tasks never throw.
/// A task may submit only detached tasks to its own lane: to wait for its own lane
/// would be a deadlock.
class lane {
public:
  /// `executor` must outlive the lane.
  explicit lane(lane_executor& executor) noexcept : executor_(executor) {
    // nop
  }

  ~lane();

  lane(const lane&) = delete;
  lane& operator=(const lane&) = delete;

  /// Runs `task` in its turn and returns when it ran: on this thread when the lane is
  /// idle, otherwise on the runner's thread. Complexity: constant, plus at most
  /// `hand_over_after` tasks of other callers when this thread is the runner.
  void run(lane_task& task) noexcept {
    auto* last = tail_.exchange(&task, std::memory_order_acq_rel);
    if (last == nullptr) [[likely]]
      run_from(&task, true);
    else
      wait_behind(*last, task);
  }

  /// The same for a callable on the caller's stack, which must not throw. The frequent
  /// path, through an idle lane, is inlined.
  template <class F>
    requires(!std::is_base_of_v<lane_task, F>)
  void run(F& f) noexcept;

  /// Queues a detached task. When the lane is idle, runs it at once, and up to
  /// `hand_over_after` other tasks.
  void submit(lane_task& task) noexcept;

  /// When the lane is idle, runs `task` at once and returns true; otherwise returns
  /// false without effect. Lets a caller keep the task on its stack.
  bool try_run(lane_task& task) noexcept {
    lane_task* idle = nullptr;
    if (!tail_.compare_exchange_strong(idle, &task, std::memory_order_acq_rel,
                                       std::memory_order_relaxed))
      return false;
    run_from(&task, true);
    return true;
  }

  /// Continues after a hand-over; called by the executor, once per `schedule`.
  void resume() noexcept;

  /// Tasks that wait for their turn. A snapshot.
  [[nodiscard]] std::size_t depth() const noexcept {
    auto out = dequeued_.load(std::memory_order_relaxed);
    auto in = queued_.load(std::memory_order_relaxed);
    return in > out ? static_cast<std::size_t>(in - out) : 0;
  }

  /// Tasks that ran since construction. A snapshot.
  [[nodiscard]] std::uint64_t handled() const noexcept {
    return handled_.load(std::memory_order_relaxed);
  }

  /// Whether the calling thread runs a task of this lane, or holds the lane.
  [[nodiscard]] bool running_here() const noexcept;

  /// Whether the calling thread holds this lane. Nearly free for a thread that neither
  /// runs nor holds a lane.
  [[nodiscard]] bool held_here() const noexcept {
    for (auto* i = detail::innermost_lane; i != nullptr; i = i->outer)
      if (i->which == this)
        return i->held;
    return false;
  }

  /// Whether the calling thread runs or holds any lane: it must not wait for a lane then.
  [[nodiscard]] static bool inside_any() noexcept {
    return detail::innermost_lane != nullptr;
  }

  /// Other callers' tasks that a runner executes before it passes on its role. It
  /// bounds the time that a caller works for others (64 table operations: about 20 µs).
  static constexpr std::size_t hand_over_after = 64;

private:
  friend class lane_hold;

  void enter(lane_task& place) noexcept;
  void leave(lane_task& place) noexcept;
  void run_from(lane_task* task, bool own) noexcept;
  void serve(lane_task& next, std::size_t served) noexcept;
  lane_task* next_of(lane_task& task) noexcept;
  lane_task* await_next(lane_task& task) noexcept;

  /// Makes the lane idle again if `task` is the last one.
  bool make_idle(lane_task& task) noexcept {
    auto* last = &task;
    return task.next_.load(std::memory_order_acquire) == nullptr
           && tail_.compare_exchange_strong(last, nullptr,
                                            std::memory_order_acq_rel,
                                            std::memory_order_acquire);
  }

  /// Only one thread writes, so a separate load and store suffice.
  static void bump(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1,
                  std::memory_order_relaxed);
  }

  void wait_behind(lane_task& last, lane_task& task) noexcept;
  static std::uint32_t wait_for_turn(futex_word& state) noexcept;
  void hand_over(lane_task& next) noexcept;
  static void finish(lane_task& task, bool own) noexcept;

  std::atomic<lane_task*> tail_{nullptr};

  /// Where `resume` continues; written by the runner that passed on its role.
  lane_task* resume_at_ = nullptr;

  /// Written by the runner only.
  std::atomic<std::uint64_t> handled_{0};
  std::atomic<std::uint64_t> dequeued_{0};

  lane_executor& executor_;

  /// Written by callers that found the lane busy; on its own cache line, because the
  /// runner does not need it.
  alignas(64) std::atomic<std::uint64_t> queued_{0};
};

/// Waits for a lane's turn and keeps it: while a hold lives, no task of the lane runs,
/// and the calling thread owns what the tasks own. Must be destroyed on the same
/// thread, in reverse order of construction.
///
/// A thread that holds a lane may take another only in an order that all threads keep,
/// and a task must not take any; otherwise two threads may wait for each other.
class lane_hold {
public:
  explicit lane_hold(lane& which) noexcept : lane_(which), place_(nullptr) {
    lane_.enter(place_);
    frame_ = {&lane_, true, detail::innermost_lane};
    detail::innermost_lane = &frame_;
  }

  ~lane_hold() {
    detail::innermost_lane = frame_.outer;
    lane_.leave(place_);
  }

  lane_hold(const lane_hold&) = delete;
  lane_hold& operator=(const lane_hold&) = delete;

private:
  lane& lane_;
  lane_task place_;
  detail::lane_frame frame_{};
};

template <class F>
  requires(!std::is_base_of_v<lane_task, F>)
void lane::run(F& f) noexcept {
  blocking_task<F> task{f};
  auto* last = tail_.exchange(&task, std::memory_order_acq_rel);
  if (last != nullptr) [[unlikely]] {
    wait_behind(*last, task);
    return;
  }
  detail::running_scope scope{this};
  f();
  bump(handled_);
  if (!make_idle(task)) [[unlikely]]
    serve(*await_next(task), 1);
}

/// Queues `f`, which must not throw, as a detached task. Throws std::bad_alloc.
template <class F>
void submit(lane& where, F f) {
  where.submit(*new detached_task<F>(std::move(f)));
}

} // namespace troupe
