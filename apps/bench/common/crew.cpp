#include <apps/bench/common/crew.hpp>

#include <algorithm>
#include <ctime>

#include <pthread.h>
#include <sched.h>

namespace troupe::bench {

namespace {

/// Binds the calling thread to one processor of those the process may use.
/// Best effort: without it the numbers are noisier, not wrong.
void bind_to(std::size_t index) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
    return;
  std::vector<int> processors;
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &allowed))
      processors.push_back(i);
  cpu_set_t mine;
  CPU_ZERO(&mine);
  CPU_SET(processors[index % processors.size()], &mine);
  ::pthread_setaffinity_np(::pthread_self(), sizeof(mine), &mine);
}

double thread_cpu_seconds() {
  timespec x{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &x);
  return static_cast<double>(x.tv_sec) + static_cast<double>(x.tv_nsec) * 1e-9;
}

} // namespace

crew::crew(std::size_t size, bool pinned) : intervals_(size) {
  for (std::size_t i = 0; i < size; ++i)
    threads_.emplace_back([this, i, pinned] { live(i, pinned); });
}

crew::~crew() {
  {
    std::lock_guard guard{mutex_};
    over_ = true;
  }
  changed_.notify_all();
  for (auto& x : threads_)
    x.join();
}

pass_time crew::run(std::size_t count,
                    const std::function<void(std::size_t)>& job) {
  std::unique_lock guard{mutex_};
  start_line_
    = std::make_unique<std::barrier<>>(static_cast<std::ptrdiff_t>(count));
  job_ = &job;
  count_ = count;
  finished_ = 0;
  ++passes_;
  changed_.notify_all();
  changed_.wait(guard, [&] { return finished_ == count; });
  auto from = intervals_[0].from;
  auto to = intervals_[0].to;
  auto cpu = intervals_[0].cpu;
  for (std::size_t i = 1; i < count; ++i) {
    from = std::min(from, intervals_[i].from);
    to = std::max(to, intervals_[i].to);
    cpu += intervals_[i].cpu;
  }
  return {std::chrono::duration<double>(to - from).count(), cpu};
}

void crew::live(std::size_t index, bool pinned) {
  if (pinned)
    bind_to(index);
  std::uint64_t seen = 0;
  std::unique_lock guard{mutex_};
  for (;;) {
    changed_.wait(guard, [&] { return over_ || passes_ != seen; });
    if (over_)
      return;
    seen = passes_;
    if (index >= count_)
      continue;
    guard.unlock();
    start_line_->arrive_and_wait();
    auto cpu = thread_cpu_seconds();
    auto from = stopwatch::now();
    (*job_)(index);
    auto to = stopwatch::now();
    cpu = thread_cpu_seconds() - cpu;
    guard.lock();
    intervals_[index] = {from, to, cpu};
    if (++finished_ == count_)
      changed_.notify_all();
  }
}

} // namespace troupe::bench
