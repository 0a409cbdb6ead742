#pragma once

// The threads that measure. They live as long as the crew, so that what a
// library keeps per thread (an arena, an epoch slot) is warm in every pass but
// the first. Thread i is bound to the i-th processor the process may use, if
// asked to; with more threads than processors it starts over.

#include <barrier>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe::bench {

/// The clock of all measurements.
using stopwatch = std::chrono::steady_clock;

/// How long each thread of a pass worked.
struct pass_time {
  /// From the first start to the last end, in seconds.
  double wall = 0;

  /// Processor time of the threads themselves, summed up, in seconds. Free of
  /// what other processes took, but blind to what helper threads did.
  double cpu = 0;
};

/// A fixed number of threads that run jobs together.
class crew {
public:
  crew(std::size_t size, bool pinned);

  ~crew();

  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;

  [[nodiscard]] std::size_t size() const noexcept {
    return threads_.size();
  }

  /// Runs `job(i)` on the first `count` threads, which leave a common start
  /// line, and returns when all are done. `job` must not throw.
  pass_time run(std::size_t count, const std::function<void(std::size_t)>& job);

private:
  struct interval {
    stopwatch::time_point from;
    stopwatch::time_point to;
    double cpu = 0;
  };

  void live(std::size_t index, bool pinned);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t passes_ = 0;
  std::size_t count_ = 0;
  std::size_t finished_ = 0;
  bool over_ = false;
  const std::function<void(std::size_t)>* job_ = nullptr;
  std::unique_ptr<std::barrier<>> start_line_;
  std::vector<interval> intervals_;
  std::vector<std::thread> threads_;
};

} // namespace troupe::bench
