#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Threads for jobs that block: loaders and asynchronous update functions. Jobs never
/// run on a thread of CAF's scheduler, which has one per core. A thread starts when a
/// job finds no free one, up to a bound, and stays. Thread-safe.
///
/// A job cannot be ended from outside. When the pool is destroyed while a job is stuck,
/// the job's thread is left behind; it uses only memory that it shares with the pool,
/// and ends when the job returns.
class worker_pool {
public:
  using job = std::function<void()>;

  /// At most `threads` threads (1 or more) and `queue_limit` waiting jobs.
  worker_pool(std::size_t threads, std::size_t queue_limit);

  /// Calls `stop` with a deadline that has passed.
  ~worker_pool();

  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;

  /// Runs `what`, which must not throw, on one of the threads, first come, first
  /// served. Errors: `overloaded` (queue full), `shutting_down`, `system_error` (no
  /// thread could be started).
  expected<void> post(job what);

  /// Takes no more jobs, drops the waiting ones, and waits until `deadline` for the
  /// running ones. Returns how many still run then.
  std::size_t stop(std::chrono::steady_clock::time_point deadline);

  /// Whether the calling thread is one of a pool, running a job.
  [[nodiscard]] static bool runs_here() noexcept;

  /// Threads started so far.
  [[nodiscard]] std::size_t threads() const;

  /// Jobs that wait for a thread.
  [[nodiscard]] std::size_t waiting() const;

private:
  struct shared;

  std::shared_ptr<shared> shared_;
};

} // namespace troupe
