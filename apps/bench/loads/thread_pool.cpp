#include <apps/bench/loads/thread_pool.hpp>

namespace troupe::bench {

thread_pool::~thread_pool() {
  {
    std::lock_guard guard{mutex_};
    over_ = true;
  }
  changed_.notify_all();
  for (auto& x : threads_)
    x.join();
}

void thread_pool::post(std::function<void()> job) {
  std::lock_guard guard{mutex_};
  if (idle_ <= jobs_.size() && threads_.size() < most_threads) {
    threads_.emplace_back([this] { live(); });
    ++idle_;
  }
  jobs_.push_back(std::move(job));
  changed_.notify_one();
}

void thread_pool::live() {
  std::unique_lock guard{mutex_};
  for (;;) {
    changed_.wait(guard, [this] { return over_ || !jobs_.empty(); });
    if (jobs_.empty())
      return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    --idle_;
    guard.unlock();
    job();
    job = nullptr;
    guard.lock();
    ++idle_;
  }
}

} // namespace troupe::bench
