#pragma once

// The shards that return capacity when a budget is overdrawn (budget.hpp): its
// borrowers, that is, the shards of a namespace, of a region, or of all regions of a
// runtime.
//
//   shard A, in its turn: stores, overdraws, collects ──► shard B: gives a piece back
//                                                    └──► shard C: busy: in its next turn
//
// Invariants
//   1. Nothing here waits for a mailbox, because the asker is in its own turn. Idle
//      shards, and shards whose mailbox this thread holds, give at once; busy ones in
//      their next turn.
//   2. Tasks of an asked shard's mailbox that this thread runs meanwhile do not collect
//      themselves. They overdraw, and the first collection continues until nothing is
//      overdrawn.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <troupe/backends/memory/limits/budget.hpp>

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

/// What a budget lends: either bytes or entries.
enum class lent_resource : std::uint8_t { in_bytes, in_entries };

/// The shards of a region or of one of its namespaces.
class shard_lender final : public capacity_source {
public:
  /// `all` and its shards must live as long as the budget may collect.
  shard_lender(lent_resource what, const shard_list& all) noexcept
    : what_(what), all_(all) {
    // nop
  }

  void collect(const budget& from, std::size_t n, yielding how,
               const table* asker) noexcept override;

private:
  const lent_resource what_;
  const shard_list& all_;
  std::atomic<std::size_t> turn_{0};
};

/// The shards of all regions that share a limit of bytes. Thread-safe.
class region_lender final : public capacity_source {
public:
  /// Adds a region, which is asked as long as it lives. Throws std::bad_alloc.
  void add(const std::shared_ptr<const shard_list>& which);

  /// The regions that live. Throws std::bad_alloc.
  [[nodiscard]] std::vector<std::shared_ptr<const shard_list>> members() const;

  void collect(const budget& from, std::size_t n, yielding how,
               const table* asker) noexcept override;

private:
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<const shard_list>> all_; ///< Under the mutex.
  std::atomic<std::size_t> turn_{0};
};

} // namespace troupe::memory
