#pragma once

// Shards that share their limits: those of one namespace of a region, or those of
// all keys that are in none. The shards are numbered through all groups of a
// region, so that whoever walks over them needs to know no groups.
//
//   region  ┬ group 0   other keys   shards  0 .. 31   the region's own budgets
//           ├ group 1   "session:"   shards 32 .. 47   budgets within those
//           └ group 2   "img:"       shards 48 .. 55   budgets within those
//
// Invariants
//   1. What the shards are lent comes out of the group's budgets and, through
//      these, out of those of region and runtime.
//   2. A clear of the group is one step for all of its shards (invalidations.hpp),
//      and so is its end; tags are the region's.
//   3. A shard is made when a key of it is changed first, unless all are wanted from the
//      beginning. Until then its slot has the first shard, in which readers find none of
//      its keys. What concerns all shards reaches those that are being made: a change
//      is counted (`growth::changes`) before the shards are told, and a shard that was
//      made by what held before is not shown but made again.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <troupe/backends/memory/shards/lending.hpp>
#include <troupe/backends/memory/shards/rebalancer.hpp>
#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/store/store.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe::memory {

/// What the groups of a region share while their shards are made.
struct growth {
  /// `most`: as many shards as there will ever be in the region.
  explicit growth(std::size_t most) : all(most) {
    // nop
  }

  /// Guards what follows. No shard is made, and no mailbox entered, under it.
  std::mutex mutex;
  std::uint64_t changes = 0; ///< Of what a shard is made with.
  shard_list all;            ///< The mutex is for `add` alone.
};

/// Thread-safe, but for `rebalance`.
class shard_group {
public:
  /// What the shards have, taken before any of them is told to give: what one may
  /// keep must not depend on who gave before.
  struct holdings {
    struct figures {
      std::size_t bytes = 0;
      std::size_t entries = 0;
    };

    struct of_shard : figures {
      shard* where;
    };

    std::vector<of_shard> shards;
    figures sum;
  };

  /// As many shards as `with.shared.shares`, a power of two, from number `first`
  /// on, with the budgets in `with`, whose capacity they lend each other when that is
  /// a namespace's. They are named "<region>/shard-<number>"; see `shard` for the rest.
  /// Makes the first one, or with `all_now` all of them. What is a reference must
  /// outlive the group. Throws std::bad_alloc.
  shard_group(const std::string& region, std::size_t first,
              const store_options& with, std::chrono::milliseconds op_timeout,
              lane_executor& executor, growth& made, bool all_now);

  shard_group(const shard_group&) = delete;
  shard_group& operator=(const shard_group&) = delete;

  /// Number of the shard that owns a key of this group with this hash.
  [[nodiscard]] std::size_t shard_of(std::uint64_t hash) const noexcept {
    return first_ + (shard_bits(hash) & mask_);
  }

  /// By the shard's bits of a hash, under `mask`; for readers.
  [[nodiscard]] const std::atomic<shard*>* slots() const noexcept {
    return slots_.get();
  }

  /// The shard with this number, or in its place the group's first one.
  [[nodiscard]] shard& at(std::size_t number) const noexcept {
    return *slots_[number - first_].load(std::memory_order_acquire);
  }

  /// The shard with this number, which is made if it was not. After the end the group's
  /// first one may take its place. Waits for no mailbox. Throws std::bad_alloc.
  shard& make(std::size_t number);

  /// Those that were made.
  [[nodiscard]] const shard_list& shards() const noexcept {
    return made_;
  }

  /// As many as there may be.
  [[nodiscard]] std::size_t size() const noexcept {
    return mask_ + 1;
  }

  [[nodiscard]] const budget& bytes() const noexcept {
    return *bytes_;
  }

  [[nodiscard]] const budget& entries() const noexcept {
    return *entries_;
  }

  /// Whether there is a limit, of its own or from above.
  [[nodiscard]] bool limited() const noexcept {
    return bytes_->tightest() != budget::unlimited
           || entries_->tightest() != budget::unlimited;
  }

  [[nodiscard]] eviction_policy eviction() const noexcept {
    return eviction_.load(std::memory_order_relaxed);
  }

  /// `shutting_down`, once the shards have been stopped. What concerns all of them is
  /// done else, whatever the state of their actors.
  [[nodiscard]] expected<void> check_open() const;

  /// Makes all shards empty at once to those who look from now on. The space comes
  /// back with `tidy`, or in each shard's next turn.
  void clear() noexcept;

  /// Gives back what dead entries take, where a shard is idle.
  void tidy() noexcept;

  /// Has every read and every change that starts from now on refused with
  /// `shutting_down`, and ends the shards.
  void stop() noexcept;

  /// A shard that is made from now on obeys the limits that hold now.
  [[nodiscard]] holdings held() const;

  /// Other limits, 0: none. `obey` has to follow.
  void limit(std::size_t max_bytes, std::size_t max_entries) noexcept;

  /// Has the shards keep no more than the group's limits allow and no more than
  /// these parts, 1 or less, of what they had.
  void obey(const holdings& had, double bytes_part,
            double entries_part) noexcept;

  void set_eviction(eviction_policy x) noexcept;

  /// Whether a policy for the whole region is meant for this group, too.
  [[nodiscard]] bool follows() const noexcept {
    return follows_.load(std::memory_order_relaxed);
  }

  void follow(bool x) noexcept {
    follows_.store(x, std::memory_order_relaxed);
  }

  /// Lets one shard that evicts little give a piece of the group's limits to the
  /// others.
  void rebalance();

private:
  void count_change() const;

  const std::string& region_;
  std::size_t first_;
  std::size_t mask_;
  const store_options with_;
  const std::chrono::milliseconds op_timeout_;
  lane_executor& executor_;
  growth& growth_;
  std::shared_ptr<invalidations> forgotten_;
  std::shared_ptr<budget> bytes_;
  std::shared_ptr<budget> entries_;
  std::atomic<eviction_policy> eviction_;
  std::atomic<bool> follows_{true};
  shard_list made_;
  std::vector<std::unique_ptr<shard>> owned_; ///< Under the mutex of `growth_`.
  std::unique_ptr<std::atomic<shard*>[]> slots_;
  rebalancer balance_;
};

} // namespace troupe::memory
