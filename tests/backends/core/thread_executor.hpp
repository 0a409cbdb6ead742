#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <troupe/backends/core/lane.hpp>

/// Runs handed-over lanes on a thread of its own; counts the hand-overs.
class thread_executor final : public troupe::lane_executor {
public:
  thread_executor() : thread_([this] { work(); }) {
    // nop
  }

  ~thread_executor() override {
    {
      std::lock_guard guard{mutex_};
      stopped_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void schedule(troupe::lane& which) noexcept override {
    {
      std::lock_guard guard{mutex_};
      lanes_.push_back(&which);
      ++scheduled_;
    }
    wake_.notify_one();
  }

  [[nodiscard]] std::size_t scheduled() const {
    std::lock_guard guard{mutex_};
    return scheduled_;
  }

private:
  void work() {
    std::unique_lock guard{mutex_};
    for (;;) {
      wake_.wait(guard, [this] { return stopped_ || !lanes_.empty(); });
      if (lanes_.empty())
        return;
      auto* next = lanes_.front();
      lanes_.pop_front();
      guard.unlock();
      next->resume();
      guard.lock();
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<troupe::lane*> lanes_;
  std::size_t scheduled_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};
