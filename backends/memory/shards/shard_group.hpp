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
//   3. A shard is made at the first change of one of its keys, unless all shards are
//      wanted from the beginning. Until then its slot points to the first shard, in
//      which readers find none of its keys. The first shard exists from the beginning,
//      but counts as made from the first change of one of its keys on too (`wanted`). A change that concerns all shards also
//      reaches a shard that is being made: the change is counted (`growth::changes`)
//      before it is applied to the shards, and a shard that was made with the old
//      settings is discarded and made again.

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
  /// `most`: the largest number of shards of the region.
  explicit growth(std::size_t most) : all(most) {
    // nop
  }

  /// Guards the members below. While it is held, no shard is made and no mailbox entered.
  std::mutex mutex;
  std::uint64_t changes
    = 0;          ///< Changes of the settings that a shard is made with.
  shard_list all; ///< Only `add` needs the mutex.
};

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

    struct of_shard : figures {
      shard* where;
    };

    std::vector<of_shard> shards;
    figures sum;
  };

  /// A group of `with.shared.shares` shards, a power of two, with numbers from `first`
  /// on, and with the budgets in `with`. The shards of a namespace lend each other these
  /// budgets' capacity. They are named "<region>/shard-<number>"; see `shard` for the
  /// rest. Makes the first shard, or all shards if `all_now`. `with`'s clock, `executor`
  /// and `made` must outlive the group. Throws std::bad_alloc.
  shard_group(const std::string& region, std::size_t first,
              const store_options& with, std::chrono::milliseconds op_timeout,
              lane_executor& executor, growth& made, bool all_now);

  shard_group(const shard_group&) = delete;
  shard_group& operator=(const shard_group&) = delete;

  /// The number of the shard that owns a key of this group with this hash.
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

  /// Those that exist, the first one included.
  [[nodiscard]] const shard_list& shards() const noexcept {
    return made_;
  }

  /// The shard with this number, once it was made; else nullptr.
  [[nodiscard]] shard* made(std::size_t number) const noexcept {
    auto& x = at(number);
    return x.place() == number && (number != first_ || wanted()) ? &x : nullptr;
  }

  /// How many were made; never decreases.
  [[nodiscard]] std::size_t made() const noexcept {
    return made_.made().size() - (wanted() ? 0 : 1);
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

  /// A shard that is made from now on obeys the limits that hold now.
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
  /// Whether one of the first shard's keys was changed.
  [[nodiscard]] bool wanted() const noexcept {
    return wanted_.load(std::memory_order_acquire);
  }

  shard& create(std::size_t number);
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
  std::atomic<bool> wanted_{false};
  shard_list made_;
  std::vector<std::unique_ptr<shard>> owned_; ///< Under the mutex of `growth_`.
  std::unique_ptr<std::atomic<shard*>[]> slots_;
  rebalancer balance_;
};

} // namespace troupe::memory
