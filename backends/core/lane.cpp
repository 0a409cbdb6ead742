#include <troupe/backends/core/lane.hpp>

#include <cassert>
#include <thread>

namespace troupe {

thread_local constinit detail::lane_frame* detail::innermost_lane = nullptr;

namespace {

/// How often a waiter checks before it sleeps: some microseconds, about the cost of the
/// two system calls of sleeping and waking.
constexpr int spins_before_parking = 256;

/// How often the runner checks for a link that a submitter is about to set, before it
/// yields the core to that submitter.
constexpr int spins_before_yielding = 64;

void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

} // namespace

lane::~lane() {
  assert(tail_.load(std::memory_order_acquire) == nullptr);
}

void lane::submit(lane_task& task) noexcept {
  assert(task.release_ != nullptr);
  auto* last = tail_.exchange(&task, std::memory_order_acq_rel);
  if (last == nullptr) {
    run_from(&task, true);
    return;
  }
  queued_.fetch_add(1, std::memory_order_relaxed);
  last->next_.store(&task, std::memory_order_release);
}

void lane::resume() noexcept {
  bump(dequeued_);
  run_from(resume_at_, false);
}

bool lane::running_here() const noexcept {
  for (auto* i = detail::innermost_lane; i != nullptr; i = i->outer)
    if (i->which == this)
      return true;
  return false;
}

/// Runs tasks from `task` on until the lane is idle or was passed on. `own`: the first
/// task belongs to this thread.
void lane::run_from(lane_task* task, bool own) noexcept {
  detail::running_scope scope{this};
  task->run_(*task);
  bump(handled_);
  auto* next = next_of(*task);
  finish(*task, own);
  if (next != nullptr)
    serve(*next, 1);
}

/// Runs other threads' tasks, from `next` on, of a lane that this thread runs and in
/// which it has already `served` some.
void lane::serve(lane_task& next, std::size_t served) noexcept {
  auto* task = &next;
  for (; task != nullptr; ++served) {
    if (served >= hand_over_after || task->run_ == nullptr) {
      hand_over(*task);
      return;
    }
    bump(dequeued_);
    task->run_(*task);
    bump(handled_);
    auto* behind = next_of(*task);
    finish(*task, false);
    task = behind;
  }
}

/// The task after `task`, or nullptr after the lane became idle.
lane_task* lane::next_of(lane_task& task) noexcept {
  return make_idle(task) ? nullptr : await_next(task);
}

/// The task after `task`. It exists, but its submitter may not have set the link yet.
lane_task* lane::await_next(lane_task& task) noexcept {
  auto* next = task.next_.load(std::memory_order_acquire);
  for (int i = 0; next == nullptr; ++i) {
    i < spins_before_yielding ? relax() : std::this_thread::yield();
    next = task.next_.load(std::memory_order_acquire);
  }
  return next;
}

/// Waits until `place` is at the front and this thread holds the lane.
void lane::enter(lane_task& place) noexcept {
  assert(!running_here());
  auto* last = tail_.exchange(&place, std::memory_order_acq_rel);
  if (last == nullptr)
    return;
  queued_.fetch_add(1, std::memory_order_relaxed);
  last->next_.store(&place, std::memory_order_release);
  wait_for_turn(place.state_);
  bump(dequeued_);
}

/// Releases the lane, and runs some of the tasks that queued up meanwhile.
void lane::leave(lane_task& place) noexcept {
  bump(handled_);
  auto* next = next_of(place);
  if (next == nullptr)
    return;
  if (next->run_ == nullptr) {
    hand_over(*next);
    return;
  }
  bump(dequeued_);
  run_from(next, false);
}

/// Frees a detached task, or wakes the waiter of another thread's task. The task must
/// not be touched afterwards.
void lane::finish(lane_task& task, bool own) noexcept {
  if (task.release_ != nullptr) {
    task.release_(task);
    return;
  }
  if (own)
    return;
  auto* word = &task.state_;
  if (word->exchange(lane_task::done, std::memory_order_acq_rel)
      == lane_task::parked)
    futex_wake_one(word);
}

/// Passes the runner's role to the caller that waits for `next`, or to the executor
/// when none waits.
void lane::hand_over(lane_task& next) noexcept {
  if (next.release_ != nullptr) {
    resume_at_ = &next;
    executor_.schedule(*this);
    return;
  }
  auto* word = &next.state_;
  if (word->exchange(lane_task::promoted, std::memory_order_acq_rel)
      == lane_task::parked)
    futex_wake_one(word);
}

/// Queues `task` after `last` and returns when it ran.
void lane::wait_behind(lane_task& last, lane_task& task) noexcept {
  assert(!running_here());
  queued_.fetch_add(1, std::memory_order_relaxed);
  last.next_.store(&task, std::memory_order_release);
  if (wait_for_turn(task.state_) == lane_task::promoted) {
    bump(dequeued_);
    run_from(&task, true);
  }
}

/// Waits until a task was run or promoted, and returns which.
std::uint32_t lane::wait_for_turn(futex_word& word) noexcept {
  auto state = word.load(std::memory_order_acquire);
  for (int i = 0; state == lane_task::pending && i < spins_before_parking;
       ++i) {
    relax();
    state = word.load(std::memory_order_acquire);
  }
  if (state == lane_task::pending
      && word.compare_exchange_strong(state, lane_task::parked,
                                      std::memory_order_acq_rel,
                                      std::memory_order_acquire))
    state = lane_task::parked;
  while (state == lane_task::parked) {
    futex_wait(word, lane_task::parked);
    state = word.load(std::memory_order_acquire);
  }
  return state;
}

} // namespace troupe
