#pragma once

// Connects a shard, which must not wait, with a listener, which may take its time: a
// bounded queue that a loader thread empties. A region has one for its lifetime; its
// listener changes.
//
//   shard ──► removed: copies, queues ──► loader thread: deliver ──► listener
//   on_removal ──► listen: another listener, and no call of the old one from then on
//
// Invariants
//   1. One thread at a time delivers, in the order in which removals came.
//   2. A removal is delivered to the listener for which it was queued, or dropped and
//      counted.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <troupe/backends/core/worker_pool.hpp>
#include <troupe/backends/memory/limits/removal_sink.hpp>
#include <troupe/messages/types/removal.hpp>

namespace troupe::memory {

/// Thread-safe. Passes removals to a listener, one at a time; removals of one shard in
/// their order. Removals that come while `limit` of them wait are dropped and counted.
class removal_queue : public removal_sink,
                      public std::enable_shared_from_this<removal_queue> {
public:
  /// Begins without a listener. `workers` must outlive the queue's jobs: it drops them
  /// when it ends.
  explicit removal_queue(worker_pool& workers) noexcept;

  /// From now on, passes removals to `listener` (to none when it is empty) while at
  /// most `limit` of them wait. When this returns, no call of the previous listener is
  /// running or can begin, and that listener is destroyed; removals that waited for it
  /// are dropped and counted. So it waits for a running call. When that listener itself
  /// calls it, it does not wait, and the listener is destroyed when its call ends.
  /// Throws std::bad_alloc; nothing has changed then.
  void listen(removal_listener listener, std::size_t limit);

  /// Like `listen` without a listener, but does not wait for a running call.
  void close() noexcept;

  void removed(bytes_view key, bytes_view value,
               removal_cause cause) noexcept override;

  /// Removals that were not passed to the listener.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_relaxed);
  }

  /// Calls of the listener that threw.
  [[nodiscard]] std::uint64_t failed() const noexcept {
    return failed_.load(std::memory_order_relaxed);
  }

private:
  struct audience;

  std::shared_ptr<audience> replace(std::shared_ptr<audience> next) noexcept;
  [[nodiscard]] bool post_delivery() noexcept;
  void deliver() noexcept;
  void tell(const audience& whom, const std::vector<removal>& batch) noexcept;
  void count_dropped(std::size_t n) noexcept {
    dropped_.fetch_add(n, std::memory_order_relaxed);
  }

  worker_pool& workers_;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::mutex mutex_;
  // The mutex guards all that follows.
  std::shared_ptr<audience> present_;
  std::vector<removal> waiting_;   ///< For `present_`.
  bool delivering_ = false;        ///< A job was posted and has not ended.
  const audience* told_ = nullptr; ///< Whose listener may be called now ...
  std::thread::id teller_;         ///< ... and by which thread.
  std::condition_variable silent_; ///< Signals that `told_` changed.
};

} // namespace troupe::memory
