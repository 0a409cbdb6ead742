#pragma once

// Shards that share their limits: the shards of one namespace of a region, or of all
// keys outside of namespaces. The shards are numbered through all groups of a region,
// so that an iteration over them needs to know no groups.
//
//   region  ┬ group 0   other keys   shards  0 .. 31   the region's own budgets
//           ├ group 1   "session:"   shards 32 .. 47   budgets within those
//           └ group 2   "img:"       shards 48 .. 55   budgets within those
//
// Invariants
//   1. The shards borrow from the group's budgets and, through these, from those of
//      region and runtime.
//   2. A clear of the group is one step for all of its shards (invalidations.hpp), and
//      so is its end; tags belong to the region.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <troupe/backends/memory/shards/rebalancer.hpp>
#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/store/store.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe::memory {

/// Thread-safe, except for `rebalance`.
class shard_group {
public:
  /// The contents of all shards, taken before any of them returns capacity: what one
  /// shard may keep must not depend on which shard gave before.
  struct holdings {
    struct figures {
      std::size_t bytes = 0;
      std::size_t entries = 0;
    };

    std::vector<figures> shards;
    figures sum;
  };

  /// Makes `with.shared.shares` shards, a power of two, with numbers from `first` on,
  /// and with the budgets in `with`. The shards of a namespace lend each other these
  /// budgets' capacity. They are named "<region>/shard-<number>"; see `shard` for the
  /// rest. Throws std::bad_alloc.
  shard_group(const std::string& region, std::size_t first, store_options with,
              std::chrono::milliseconds op_timeout, lane_executor& executor);

  shard_group(const shard_group&) = delete;
  shard_group& operator=(const shard_group&) = delete;

  /// The number of the shard that owns a key of this group with this hash.
  [[nodiscard]] std::size_t shard_of(std::uint64_t hash) const noexcept {
    return first_ + (shard_bits(hash) & mask_);
  }

  [[nodiscard]] const std::vector<std::unique_ptr<shard>>&
  shards() const noexcept {
    return shards_;
  }

  [[nodiscard]] const budget& bytes() const noexcept {
    return *bytes_;
  }

  [[nodiscard]] const budget& entries() const noexcept {
    return *entries_;
  }

  /// Whether there is a limit, the group's or one above it.
  [[nodiscard]] bool limited() const noexcept {
    return bytes_->tightest() != budget::unlimited
           || entries_->tightest() != budget::unlimited;
  }

  [[nodiscard]] eviction_policy eviction() const noexcept {
    return eviction_.load(std::memory_order_relaxed);
  }

  /// Returns `shutting_down` after the shards have been stopped. Otherwise, operations
  /// on all shards are done in any state of their actors.
  [[nodiscard]] expected<void> check_open() const;

  /// Makes all shards empty at once for calls that begin from now on. The memory is
  /// freed by `tidy`, or in each shard's next turn.
  void clear() noexcept;

  /// Frees the memory of dead entries in idle shards.
  void tidy() noexcept;

  /// Refuses every read and change that begins from now on with `shutting_down`, and
  /// ends the shards.
  void stop() noexcept;

  [[nodiscard]] holdings held() const;

  /// Sets the limits; 0: no limit. Call `obey` afterwards.
  void limit(std::size_t max_bytes, std::size_t max_entries) noexcept;

  /// Makes the shards keep no more than the group's limits allow, and no more than
  /// these parts (at most 1) of what they had.
  void obey(const holdings& had, double bytes_part,
            double entries_part) noexcept;

  void set_eviction(eviction_policy x) noexcept;

  /// Whether a policy for the whole region also applies to this group.
  [[nodiscard]] bool follows() const noexcept {
    return follows_.load(std::memory_order_relaxed);
  }

  void follow(bool x) noexcept {
    follows_.store(x, std::memory_order_relaxed);
  }

  /// Lets one shard that evicts little give a piece of the group's limits to other
  /// shards.
  void rebalance();

private:
  std::size_t first_;
  std::size_t mask_;
  std::shared_ptr<invalidations> forgotten_;
  std::shared_ptr<budget> bytes_;
  std::shared_ptr<budget> entries_;
  std::atomic<eviction_policy> eviction_;
  std::atomic<bool> follows_{true};
  std::vector<std::unique_ptr<shard>> shards_;
  rebalancer balance_;
};

} // namespace troupe::memory
