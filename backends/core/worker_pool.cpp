#include <troupe/backends/core/worker_pool.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <troupe/backends/core/wait_hook.hpp>

namespace troupe {

namespace {

thread_local constinit bool is_worker = false;

} // namespace

bool worker_pool::runs_here() noexcept {
  return is_worker;
}

/// The state that the threads and the pool share; lives until the last of them ends.
struct worker_pool::shared {
  shared(std::size_t threads, std::size_t limit)
    : thread_limit(std::max<std::size_t>(threads, 1)), queue_limit(limit) {
    // nop
  }

  void run() noexcept {
    is_worker = true;
    std::unique_lock guard{mutex};
    for (;;) {
      work.wait(guard, [this] { return stopped || !queue.empty(); });
      if (stopped)
        break;
      auto what = std::move(queue.front());
      queue.pop_front();
      --idle;
      guard.unlock();
      what();
      // The captures are destroyed before the thread counts as free, so that they are
      // gone when a caller has waited for the pool to stop.
      what = nullptr;
      guard.lock();
      ++idle;
    }
    --idle;
    --alive;
    ended.notify_all();
  }

  const std::size_t thread_limit;
  const std::size_t queue_limit;
  mutable std::mutex mutex;
  std::condition_variable work;
  std::condition_variable ended;
  std::deque<job> queue;
  std::size_t alive = 0;
  std::size_t idle = 0;
  std::size_t started = 0;
  bool stopped = false;
};

worker_pool::worker_pool(std::size_t threads, std::size_t queue_limit)
  : shared_(std::make_shared<shared>(threads, queue_limit)) {
  // nop
}

worker_pool::~worker_pool() {
  stop(std::chrono::steady_clock::now());
}

expected<void> worker_pool::post(job what) {
  std::unique_lock guard{shared_->mutex};
  auto& pool = *shared_;
  if (pool.stopped)
    return fail(errc::shutting_down, "the loader threads have been stopped");
  if (auto* const hook = wait_hook::present()) [[unlikely]] {
    guard.unlock();
    return hook->post(std::move(what));
  }
  if (pool.queue.size() >= pool.queue_limit)
    return fail(errc::overloaded,
                std::to_string(pool.queue.size())
                  + " jobs wait for a loader thread already; slow down, or "
                    "raise loader-threads or loader-queue");
  if (pool.idle <= pool.queue.size() && pool.alive < pool.thread_limit) {
    try {
      std::thread{[keep = shared_] { keep->run(); }}.detach();
      ++pool.alive;
      ++pool.idle;
      ++pool.started;
    } catch (const std::system_error& failure) {
      if (pool.alive == 0)
        return fail(errc::system_error,
                    std::string{"cannot start a loader thread: "}
                      + failure.what());
    }
  }
  pool.queue.push_back(std::move(what));
  pool.work.notify_one();
  return {};
}

std::size_t worker_pool::stop(std::chrono::steady_clock::time_point deadline) {
  std::deque<job> dropped;
  std::unique_lock guard{shared_->mutex};
  shared_->stopped = true;
  dropped.swap(shared_->queue);
  shared_->work.notify_all();
  shared_->ended.wait_until(guard, deadline,
                            [this] { return shared_->alive == 0; });
  auto busy = shared_->alive - shared_->idle;
  guard.unlock();
  return busy;
}

std::size_t worker_pool::threads() const {
  std::lock_guard guard{shared_->mutex};
  return shared_->started;
}

std::size_t worker_pool::waiting() const {
  std::lock_guard guard{shared_->mutex};
  return shared_->queue.size();
}

} // namespace troupe
