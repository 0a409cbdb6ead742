// What the thread does that runs a simulation: it waits for the tasks.

#include <troupe/actors/testing/detail/schedule.hpp>

#include <cstdio>
#include <cstdlib>

#include <troupe/actors/testing/detail/simulated_task.hpp>

namespace troupe::testing::detail {

void schedule::run() {
  {
    auto* const first = choose();
    std::unique_lock guard{mutex_};
    give(first);
    watch(guard);
  }
  end_threads();
  if (!failure_.empty())
    throw simulation_failed{report()};
}

/// Waits until the run has ended. Aborts the program when a task does not hand over.
void schedule::watch(std::unique_lock<std::mutex>& guard) {
  auto seen = steps();
  while (
    !driver_.wait_for(guard, how_.longest_step, [this] { return finished_; })) {
    const auto now = steps();
    if (now == seen && running_ != nullptr) {
      std::fprintf(stderr,
                   "troupe::testing: seed %llu: task '%s' made no step for "
                   "%lld s: it waits for something outside of the simulation "
                   "(a mutex, a future, a socket)\n",
                   static_cast<unsigned long long>(seed),
                   running_->name.c_str(),
                   static_cast<long long>(how_.longest_step.count()));
      std::abort();
    }
    seen = now;
  }
}

/// Ends the daemons and joins all threads that have ended. The threads of the other
/// tasks, if any, stay behind.
void schedule::end_threads() {
  stopping_.store(true, std::memory_order_release);
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    auto& x = *tasks_[i];
    if (!x.thread.joinable())
      continue;
    if (x.daemon && x.idle && x.now != simulated_task::phase::ended) {
      std::lock_guard guard{mutex_};
      x.now = simulated_task::phase::ended;
      running_ = &x;
      x.turn.notify_one();
    }
    if (x.now == simulated_task::phase::ended) {
      x.thread.join();
    } else {
      left_behind_ = true;
      x.thread.detach();
    }
  }
  // The tasks' functions may own the last handles of regions.
  for (auto& x : tasks_)
    if (!left_behind_)
      x->body = nullptr;
}

} // namespace troupe::testing::detail
