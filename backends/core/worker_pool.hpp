#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Threads for jobs that block: loaders and asynchronous update functions.
/// Never a thread of CAF's scheduler, which has one per core. Threads start
/// when a job finds none free, up to a bound, and stay. Thread-safe.
///
/// A job cannot be ended from outside. When the pool is destroyed while one is
/// stuck, its thread is left behind with nothing of the pool but memory they
/// share, and ends when the job returns.
class worker_pool {
public:
  using job = std::function<void()>;

  /// At most `threads` threads (1 or more) and `queue_limit` waiting jobs.
  worker_pool(std::size_t threads, std::size_t queue_limit);

  /// As `stop` without waiting for jobs that run.
  ~worker_pool();

  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;

  /// Runs `what`, which must not throw, on some thread, first come first
  /// served. Errors: `overloaded` (queue full), `shutting_down`, `system_error`
  /// (not even one thread could be started).
  expected<void> post(job what);

  /// Takes no more jobs, drops those that wait, and waits until `deadline` for
  /// those that run. Returns how many still ran then.
  std::size_t stop(std::chrono::steady_clock::time_point deadline);

  /// Threads started so far.
  [[nodiscard]] std::size_t threads() const;

  /// Jobs that wait for a thread.
  [[nodiscard]] std::size_t waiting() const;

private:
  struct shared;

  std::shared_ptr<shared> shared_;
};

} // namespace troupe
