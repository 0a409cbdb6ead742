#include <apps/bench/mailbox/counter.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <troupe/backends/core/lane.hpp>

namespace troupe::bench {

namespace {

/// A thread that goes on with what others handed over.
class one_thread final : public lane_executor {
public:
  one_thread() : thread_([this] { live(); }) {
    // nop
  }

  ~one_thread() override {
    {
      std::lock_guard guard{mutex_};
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void schedule(lane& which) noexcept override {
    {
      std::lock_guard guard{mutex_};
      next_ = &which;
    }
    changed_.notify_all();
  }

private:
  void live() {
    std::unique_lock guard{mutex_};
    for (;;) {
      changed_.wait(guard, [this] { return over_ || next_ != nullptr; });
      if (next_ == nullptr)
        return;
      auto* which = std::exchange(next_, nullptr);
      guard.unlock();
      which->resume();
      guard.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  lane* next_ = nullptr; ///< One at most: there is one lane.
  std::thread thread_;
};

/// What a blocking write of a region goes through.
class lane_counter final : public counter {
public:
  lane_counter() : counter("lane", "Troupe's lane, waiting for the result") {
    // nop
  }

  void add(std::uint64_t count) override {
    auto step = [this]() noexcept { ++value_; };
    for (std::uint64_t i = 0; i < count; ++i) {
      blocking_task<decltype(step)> task{step};
      lane_.run(task);
    }
  }

  std::uint64_t value() override {
    return value_;
  }

private:
  one_thread executor_;
  lane lane_{executor_};
  std::uint64_t value_ = 0;
};

/// What an asynchronous write goes through.
class detached_counter final : public counter {
public:
  detached_counter()
    : counter("lane-detached", "Troupe's lane, a task on the heap, no wait") {
    // nop
  }

  void add(std::uint64_t count) override {
    for (std::uint64_t i = 0; i < count; ++i) {
      // Bounded, as a region's mailbox is; a region would refuse instead.
      while (lane_.depth() > 1000)
        std::this_thread::yield();
      submit(lane_, [this]() noexcept { ++value_; });
    }
  }

  std::uint64_t value() override {
    std::uint64_t result = 0;
    auto step = [&]() noexcept { result = value_; };
    blocking_task<decltype(step)> task{step};
    lane_.run(task);
    return result;
  }

private:
  one_thread executor_;
  lane lane_{executor_};
  std::uint64_t value_ = 0;
};

} // namespace

void add_lanes(counter_list& list) {
  list.push_back(std::make_unique<lane_counter>());
  list.push_back(std::make_unique<detached_counter>());
}

} // namespace troupe::bench
