#pragma once

// What lies between a shard, which must not wait for anybody, and a listener, which
// may take its time: a bounded queue that a loader thread empties.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include <troupe/actors/worker_pool.hpp>
#include <troupe/backends/memory/removal_sink.hpp>
#include <troupe/messages/types/removal.hpp>

namespace troupe {

/// Thread-safe. Hands removals to a listener, one at a time, those of one shard in
/// their order. What comes while `limit` removals wait is dropped and counted.
class removal_queue : public memory::removal_sink,
                      public std::enable_shared_from_this<removal_queue> {
public:
  /// `workers` must outlive the queue's jobs: it drops them when it ends.
  removal_queue(removal_listener listener, worker_pool& workers,
                std::size_t limit);

  void removed(bytes_view key, bytes_view value,
               removal_cause cause) noexcept override;

  /// Removals that nobody was told of.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_relaxed);
  }

  /// Calls of the listener that threw.
  [[nodiscard]] std::uint64_t failed() const noexcept {
    return failed_.load(std::memory_order_relaxed);
  }

private:
  void deliver();

  const removal_listener listener_;
  worker_pool& workers_;
  const std::size_t limit_;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::mutex mutex_;
  std::vector<removal> waiting_; ///< Under the mutex, as what follows.
  bool delivering_ = false;      ///< A job has been posted and has not ended.
};

} // namespace troupe
