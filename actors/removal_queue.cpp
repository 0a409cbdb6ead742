#include <troupe/actors/removal_queue.hpp>

#include <new>
#include <utility>

namespace troupe {

removal_queue::removal_queue(removal_listener listener, worker_pool& workers,
                             std::size_t limit)
  : listener_(std::move(listener)), workers_(workers), limit_(limit) {
  // nop
}

void removal_queue::removed(bytes_view key, bytes_view value,
                            removal_cause cause) noexcept {
  auto count_drop = [this] {
    dropped_.fetch_add(1, std::memory_order_relaxed);
  };
  try {
    removal x{std::string{key}, bytes{value}, cause};
    {
      std::lock_guard guard{mutex_};
      if (waiting_.size() >= limit_)
        return count_drop();
      waiting_.push_back(std::move(x));
      if (std::exchange(delivering_, true))
        return;
    }
    auto posted
      = workers_.post([self = shared_from_this()] { self->deliver(); });
    if (posted)
      return;
    // The loaders' queue is full: the next removal tries again.
    std::lock_guard guard{mutex_};
    delivering_ = false;
  } catch (const std::bad_alloc&) {
    count_drop();
  }
}

/// Runs on a loader thread until nothing waits.
void removal_queue::deliver() {
  for (;;) {
    std::vector<removal> batch;
    {
      std::lock_guard guard{mutex_};
      if (waiting_.empty()) {
        delivering_ = false;
        return;
      }
      batch.swap(waiting_);
    }
    for (auto& x : batch) {
      try {
        listener_(x);
      } catch (...) {
        // The user's code: what it throws is counted, and concerns nobody else.
        failed_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }
}

} // namespace troupe
