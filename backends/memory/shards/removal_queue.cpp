#include <troupe/backends/memory/shards/removal_queue.hpp>

#include <new>
#include <utility>

namespace troupe::memory {

/// A listener, and whether it is the present one.
struct removal_queue::audience {
  audience(removal_listener f, std::size_t most)
    : listener(std::move(f)), limit(most) {
    // nop
  }

  const removal_listener listener;
  const std::size_t limit;
  std::atomic<bool> present{true};
};

removal_queue::removal_queue(worker_pool& workers) noexcept
  : workers_(workers) {
  // nop
}

void removal_queue::listen(removal_listener listener, std::size_t limit) {
  auto next = listener ? std::make_shared<audience>(std::move(listener), limit)
                       : nullptr;
  auto old = replace(std::move(next));
  if (old == nullptr)
    return;
  std::unique_lock guard{mutex_};
  silent_.wait(guard, [&] {
    return told_ != old.get() || teller_ == std::this_thread::get_id();
  });
  guard.unlock();
  // Destroyed here, outside of the mutex, by the last holder, unless this is a call of
  // the listener itself.
}

void removal_queue::close() noexcept {
  replace(nullptr);
}

/// Replaces the present audience by another one, or by none; returns the old one.
std::shared_ptr<removal_queue::audience>
removal_queue::replace(std::shared_ptr<audience> next) noexcept {
  std::vector<removal> dropped;
  std::lock_guard guard{mutex_};
  if (present_ != nullptr)
    present_->present.store(false, std::memory_order_release);
  count_dropped(waiting_.size());
  dropped.swap(waiting_);
  set_listening(next != nullptr);
  return std::exchange(present_, std::move(next));
}

void removal_queue::removed(bytes_view key, bytes_view value,
                            removal_cause cause) noexcept {
  try {
    removal x{std::string{key}, bytes{value}, cause};
    std::lock_guard guard{mutex_};
    // The last listener may have been removed since the shard checked.
    if (present_ == nullptr)
      return;
    if (waiting_.size() >= present_->limit)
      return count_dropped(1);
    waiting_.push_back(std::move(x));
    if (std::exchange(delivering_, true))
      return;
  } catch (const std::bad_alloc&) {
    return count_dropped(1);
  }
  if (post_delivery())
    return;
  // The loaders' queue is full: the next removal tries again.
  std::lock_guard guard{mutex_};
  delivering_ = false;
}

bool removal_queue::post_delivery() noexcept {
  try {
    return workers_.post([self = shared_from_this()] { self->deliver(); })
      .has_value();
  } catch (const std::bad_alloc&) {
    return false;
  }
}

/// Runs on a loader thread until no removal waits.
void removal_queue::deliver() noexcept {
  for (;;) {
    std::vector<removal> batch;
    std::shared_ptr<audience> whom;
    {
      std::lock_guard guard{mutex_};
      if (waiting_.empty()) {
        delivering_ = false;
        return;
      }
      batch.swap(waiting_);
      whom = present_;
      told_ = whom.get();
      teller_ = std::this_thread::get_id();
    }
    tell(*whom, batch);
    // A caller that waits for the end of calls holds the audience, too, and destroys
    // it. One that was replaced in its own call is destroyed here.
    whom = nullptr;
    {
      std::lock_guard guard{mutex_};
      told_ = nullptr;
    }
    silent_.notify_all();
  }
}

/// Passes all of `batch` to the listener, while it is the present one.
void removal_queue::tell(const audience& whom,
                         const std::vector<removal>& batch) noexcept {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!whom.present.load(std::memory_order_acquire))
      return count_dropped(batch.size() - i);
    try {
      whom.listener(batch[i]);
    } catch (...) {
      // The user's code: its exceptions are counted and otherwise dropped.
      failed_.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

} // namespace troupe::memory
