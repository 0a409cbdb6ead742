#include <troupe/backends/core/clockwork.hpp>

#include <utility>

namespace troupe {

clockwork::clockwork(std::chrono::milliseconds period,
                     std::function<void()> tick)
  : thread_([this, period, tick = std::move(tick)] { run(period, tick); }) {
  // nop
}

clockwork::~clockwork() {
  stop();
}

void clockwork::stop() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

void clockwork::run(std::chrono::milliseconds period,
                    const std::function<void()>& tick) {
  std::unique_lock guard{mutex_};
  while (!changed_.wait_for(guard, period, [this] { return stopping_; })) {
    guard.unlock();
    tick();
    guard.lock();
  }
}

} // namespace troupe
