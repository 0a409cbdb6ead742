#pragma once

// Which entry of a shard is evicted next. The policy is S3-FIFO (Yang et al., "FIFO
// queues are all you need for cache eviction", SOSP 2023) over the marks in the index,
// with one change: the main queue is the index itself, and its hand walks over the
// buckets in turn. So an entry has no links, a hit is at most one relaxed store into a
// line that the lookup fetched anyway, and the hand touches entries only to evict them.
//
//   insert ─► small queue (hashes, a tenth of the bytes) ─┬ read again ► main
//                    └ not read: evicted, its hash becomes a ghost
//   insert of a ghost ─► main
//   main: the hand evicts entries that were not read, and takes one use from others
//
// CLOCK is the same without the small queue.
//
// The queue names entries by hash. When two young entries of one bucket have the same
// tag, the hash may mean either; both are checked then.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include <troupe/backends/memory/index/index.hpp>
#include <troupe/backends/memory/limits/ghosts.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe::memory {

/// The entry to evict, and the number of its bucket.
struct victim {
  index_slot where; ///< `in` is nullptr when there is none.
  std::size_t bucket = 0;
};

/// Not thread-safe. Every call takes the same index, whose marks it uses.
class evictor {
public:
  explicit evictor(eviction_policy policy) noexcept : policy_(policy) {
    // nop
  }

  [[nodiscard]] eviction_policy policy() const noexcept {
    return policy_;
  }

  /// Sets the policy; young entries become old ones. Linear in the buckets.
  void set_policy(const index& links, eviction_policy x) noexcept;

  /// An entry of `bytes` bytes was linked in this slot.
  void added(index_slot where, std::uint64_t hash, std::size_t bytes) noexcept;

  /// Moves the oldest young entry to the main part when there are too many young ones
  /// and the limit is not reached (`full`); `used`: all bytes. Also bounds the queue,
  /// which still holds the hashes of removed entries.
  void settle(const index& links, bool full, std::size_t used) noexcept;

  /// The entry in this slot is about to be removed; it is still linked.
  void removed(index_slot where, std::size_t bytes) noexcept {
    if (where.in->young(where.slot))
      young_bytes_ -= bytes;
  }

  /// The entry in this slot replaced another one of its key.
  void replaced(index_slot where, std::size_t old_bytes,
                std::size_t bytes) noexcept {
    where.in->count_use(where.slot);
    if (where.in->young(where.slot))
      young_bytes_ += bytes - old_bytes;
  }

  /// The entry to evict next, but not `spared`. `used` and `entries` count all bytes
  /// and entries. Amortised constant.
  [[nodiscard]] victim choose(const index& links, const entry* spared,
                              std::size_t used, std::size_t entries) noexcept;

  /// The entry that `choose` returned last is not evicted; it becomes an old one.
  void keep(index_slot where) noexcept;

  /// Memory of queue and ghosts, in bytes.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return queue_.size() * sizeof(std::uint64_t) + ghosts_.bytes();
  }

  /// Returns what is wrong with the structure, or an empty string. Linear.
  [[nodiscard]] std::string validate(const index& links) const;

private:
  /// The small queue's share of all bytes is 1/`small_share`.
  static constexpr std::size_t small_share = 10;

  /// Reads after which a young entry moves to the main part.
  static constexpr unsigned promotion_uses = 2;

  [[nodiscard]] victim pop_young(const index& links) noexcept;
  [[nodiscard]] victim choose_young(const index& links, const entry* spared,
                                    std::size_t used) noexcept;
  [[nodiscard]] victim choose_old(const index& links,
                                  const entry* spared) noexcept;
  void promote(index_slot where) noexcept;
  void move_hand(const index& links) noexcept;

  eviction_policy policy_;
  std::deque<std::uint64_t> queue_; ///< Young entries by hash, oldest first.
  std::size_t young_bytes_ = 0;
  std::uint64_t popped_ = 0; ///< The hash that `pop_young` took last.
  ghosts ghosts_;
  std::size_t hand_bucket_ = 0;
  std::size_t hand_place_ = 0; ///< In the bucket's chain.
};

} // namespace troupe::memory
