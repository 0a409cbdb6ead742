#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>

namespace troupe::memory {

class shard;

/// The shards that a region, or a group of them, has made so far, in the order in which
/// they were made. It only grows. One thread adds at a time; `made` is for any thread,
/// and what it returned stays valid as long as the list.
class shard_list {
public:
  /// `most`: as many shards as there will ever be. Throws std::bad_alloc.
  explicit shard_list(std::size_t most)
    : shards_(std::make_unique<shard*[]>(most)) {
    // nop
  }

  /// Adds a shard. Constant time.
  void add(shard& x) noexcept {
    const auto n = size_.load(std::memory_order_relaxed);
    shards_[n] = &x;
    size_.store(n + 1, std::memory_order_release);
  }

  [[nodiscard]] std::span<shard* const> made() const noexcept {
    return {shards_.get(), size_.load(std::memory_order_acquire)};
  }

private:
  std::unique_ptr<shard*[]> shards_;
  std::atomic<std::size_t> size_{0};
};

} // namespace troupe::memory
