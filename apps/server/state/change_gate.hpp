#pragma once

#include <atomic>
#include <cstdint>

namespace troupe::server {

/// Counts changes that are in progress. Thread-safe; several may be at once.
class change_gate {
public:
  void open() noexcept {
    begun_.fetch_add(1, std::memory_order_seq_cst);
  }

  void close() noexcept {
    ended_.fetch_add(1, std::memory_order_seq_cst);
  }

  /// Waits until there is a moment without a change in progress, and names it.
  /// As long as the longest change takes.
  [[nodiscard]] std::uint64_t await_closed() const noexcept {
    auto ended = ended_.load(std::memory_order_acquire);
    auto begun = begun_.load(std::memory_order_acquire);
    return begun == ended ? begun : wait();
  }

  /// Tells whether no change has begun since that moment.
  [[nodiscard]] bool unchanged_since(std::uint64_t moment) const noexcept {
    // What was read before must have been read by now.
    std::atomic_thread_fence(std::memory_order_acquire);
    return begun_.load(std::memory_order_relaxed) == moment;
  }

private:
  [[nodiscard]] std::uint64_t wait() const noexcept;

  // Every command reads both, and nearly nobody writes.
  alignas(64) std::atomic<std::uint64_t> begun_{0};
  std::atomic<std::uint64_t> ended_{0};
};

} // namespace troupe::server
