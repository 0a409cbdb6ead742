#pragma once

// The hash index of one shard: lock-free readers, one writer, growth and
// shrinking by one bucket at a time.
//
//   bucket (one cache line):  [tag|entry] x 7, overflow ─► bucket ─► ...
//
//   bucket_directory   the first buckets of the chains, and which one a hash belongs to
//   overflow_buckets   the further buckets of the chains
//
// A word is an entry's address with 16 bits of its hash on top. So a lookup touches one
// line of the index and, except in one case of ten thousand, only the right entry.
// Growth is linear hashing (Litwin 1980): when the load exceeds its bound, an insert
// splits the next bucket in line, which moves about four entries; there is no rehash
// and no pause, at any size.
//
// How a reader stays correct while a bucket is split:
//   writer: link the moving entries in the new bucket; publish the new bucket
//           count (release); clear their words in the old bucket (release)
//   reader: load the count; scan; on a miss load the count again, and repeat
//           when the key's bucket has become another one
// A reader that misses because a word was cleared has synchronised with the clearing,
// and so sees the new count. The last bucket is merged into the one that it was split
// from by the same steps in reverse. A merge and a split between the reader's two loads
// of the count would leave the same number, so a reader that repeats also compares a
// counter of merges.
//
// A scan visits the buckets in an order that splits and merges keep: see
// bucket_scan.hpp.
//
// Invariants (see `validate`)
//   1. An entry is linked exactly once, in the chain of its key's bucket.
//   2. Words are never moved inside a chain: a reader that passed an empty word
//      has not missed an entry that was there all the time.
//   3. Memory that readers may still use (buckets cut off a chain, segments that were
//      removed) is freed after they have left.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <troupe/backends/core/epoch.hpp>
#include <troupe/backends/memory/entries/entry.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/index/bucket.hpp>
#include <troupe/backends/memory/index/bucket_directory.hpp>
#include <troupe/backends/memory/index/bucket_scan.hpp>
#include <troupe/backends/memory/index/overflow_buckets.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

/// Does not own entries. Any thread inside an epoch guard may call `find`, `scan` and
/// the prefetches; any thread may call `bytes`; only the writer calls the rest.
class index {
public:
  /// Where a key is, or where it could be linked. Valid until the next change.
  struct position {
    index_slot found;       ///< `in` is nullptr when the key has no entry.
    entry* item = nullptr;  ///< The key's entry.
    index_slot free;        ///< The chain's first empty word, if any.
    bucket* last = nullptr; ///< The end of the chain.
    std::size_t number = 0; ///< Of the key's bucket.
  };

  /// Two buckets, by number; one was split off from the other, or merged into it.
  struct change {
    std::size_t kept = 0;
    std::size_t other = 0; ///< The new bucket, or the one that was merged away.
  };

  /// Throws std::bad_alloc.
  index();
  ~index();

  index(const index&) = delete;
  index& operator=(const index&) = delete;

  // -- any thread, inside an epoch guard ---------------------------------------

  /// The entry of `key`, expired or not, or nullptr. Counts as a use.
  [[nodiscard]] const entry* find(const hashed_key& key) const noexcept {
    auto& b = directory_.of(key.hash);
    if (auto* item = find_in(b, tag_of(key.hash), key.key); item != nullptr)
      [[likely]]
      return item;
    return find_in_chain(key.key, key.hash);
  }

  /// Returns the first slot in the hash's bucket whose tag matches, mostly the key's;
  /// `in` is nullptr when there is none. The key has not been compared.
  [[nodiscard]] index_slot near(std::uint64_t hash) const noexcept {
    auto& b = directory_.of(hash);
    auto fits = b.with_tag(tag_of(hash));
    if (fits.empty()) [[unlikely]]
      return {};
    return {&b, fits.first()};
  }

  /// The entry in this slot, with a prefetch of its first lines; nullptr when it was
  /// removed meanwhile.
  [[nodiscard]] static const entry* fetch(index_slot x) noexcept {
    auto* item = entry_in(x.word().load(std::memory_order_acquire));
    // The value's position is known only when the header has arrived. Do not wait for
    // it: mostly the value is on the next line.
    __builtin_prefetch(reinterpret_cast<const char*>(item) + 64);
    return item;
  }

  /// Counts a use of the entry in this slot.
  void use(index_slot x) const noexcept {
    if (counting_.load(std::memory_order_relaxed))
      x.in->count_use(x.slot);
  }

  /// Prefetches the line of the key's bucket for reading.
  void prefetch_bucket(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&directory_.of(hash));
  }

  /// The same for writing.
  void prefetch_bucket_for_write(std::uint64_t hash) const noexcept;

  /// Prefetches the entries whose tag matches; the bucket should be in the cache
  /// already.
  void prefetch_entry(std::uint64_t hash) const noexcept;

  /// Calls `f(const entry&)` for each entry of the bucket at `from`, expired or not,
  /// and returns the next position; `scan_end` after the last one. Any number below
  /// `scan_end` is a position, 0 the first. A scan from 0 to the end meets a key that
  /// is present all the time at least once; it may miss a key that is added or removed
  /// meanwhile, and meet keys twice. Takes the time of one chain.
  template <class F>
  [[nodiscard]] std::uint64_t scan(std::uint64_t from, F&& f) const {
    return scan_bucket(directory_, overflows_, from, std::forward<F>(f));
  }

  static constexpr std::uint64_t scan_end = bucket_scan_end;

  // -- the writer --------------------------------------------------------------

  [[nodiscard]] position locate(const hashed_key& key) noexcept;

  /// Links `item` in the slot where `where` found the key's old entry, whose marks it
  /// inherits, or in the free slot, without marks; returns the slot. Returns nothing
  /// when it needs an overflow bucket and there is no memory; nothing has changed then.
  [[nodiscard]] std::optional<index_slot>
  link(const position& where, std::uint64_t hash, entry* item) noexcept;

  /// The slot of `item`, whose key has this hash; `in` is nullptr when it is not
  /// linked.
  [[nodiscard]] index_slot slot_of(std::uint64_t hash,
                                   const entry& item) const noexcept;

  /// Replaces the entry in this slot by its copy `item`; the marks stay.
  static void relink(index_slot where, std::uint64_t hash,
                     entry* item) noexcept {
    where.word().store(to_word(hash, item), std::memory_order_release);
  }

  /// Unlinks the entry in this slot.
  static void unlink(index_slot where) noexcept {
    where.word().store(0, std::memory_order_release);
  }

  /// Splits one bucket when `entries` is more than the buckets should hold, and returns
  /// which. Without memory the index stays unchanged and chains grow. Constant time,
  /// except for the system's work for a new segment.
  std::optional<change> grow(std::size_t entries) noexcept;

  /// How many more buckets there may be after the next split, including the overflow
  /// buckets for its entries. Linear in the chain that is split.
  [[nodiscard]] std::size_t buckets_per_split() const noexcept;

  /// Merges the last bucket into another when `entries` is at most a quarter of what
  /// the buckets may hold, and returns which. Constant time.
  std::optional<change> shrink(std::size_t entries) noexcept;

  /// Removes empty overflow buckets from the end of a bucket's chain.
  void tidy(std::size_t number) noexcept;

  /// Frees memory that no reader uses any more.
  void collect() noexcept {
    retired_.collect();
  }

  [[nodiscard]] std::size_t bucket_count() const noexcept {
    return directory_.size();
  }

  /// The number of the bucket that a hash belongs to.
  [[nodiscard]] std::size_t number_of(std::uint64_t hash) const noexcept {
    return bucket_directory::bucket_of(hash, bucket_count());
  }

  /// The bucket `number`; and the bucket after `x` in its chain, or nullptr.
  [[nodiscard]] bucket& bucket_at(std::size_t number) const noexcept {
    return directory_[number];
  }

  [[nodiscard]] bucket* next(const bucket& x) const noexcept {
    return overflows_.next(x);
  }

  /// Sets whether reads are counted for eviction.
  void count_uses(bool x) noexcept {
    counting_.store(x, std::memory_order_relaxed);
  }

  /// Memory of all buckets in use, in bytes: the entries are charged for it.
  [[nodiscard]] std::size_t used() const noexcept {
    return (bucket_count() + overflows_.in_chains()) * sizeof(bucket);
  }

  /// Memory of all segments in bytes, including pages that were never touched.
  /// Thread-safe.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_.load(std::memory_order_relaxed);
  }

  /// Bytes that wait for readers. Thread-safe.
  [[nodiscard]] std::size_t retired_bytes() const noexcept {
    return retired_.bytes();
  }

  /// Calls `f(index_slot)` for each entry of a bucket and its chain; `f` may unlink it.
  template <class F>
  void for_each_in(std::size_t number, F&& f) const {
    for (auto* b = &bucket_at(number); b != nullptr; b = next(*b))
      for (std::size_t i = 0; i < bucket::width; ++i)
        if (b->words[i].load(std::memory_order_relaxed) != 0)
          f(index_slot{b, i});
  }

  /// Calls `f(const entry&)` for every entry. Linear.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = 0, n = bucket_count(); i < n; ++i)
      for_each_in(
        i, [&](index_slot x) { f(static_cast<const entry&>(*x.item())); });
  }

  /// Checks the invariants against the expected number of entries; returns what is
  /// wrong, or an empty string. Linear.
  [[nodiscard]] std::string validate(std::size_t entries) const;

  /// A bucket is split at this many quarters of an entry per bucket of seven. Linear
  /// hashing fills the next buckets in line up to twice as much as those just split; at
  /// 4.25 a few per cent of the entries are in overflow buckets.
  static constexpr std::size_t target_load_quarters = 17;

private:
  [[nodiscard]] const entry* find_in(bucket& where, std::uint16_t tag,
                                     bytes_view key) const noexcept {
    for (auto fits = where.with_tag(tag); !fits.empty(); fits.drop_first()) {
      index_slot x{&where, fits.first()};
      auto* item = fetch(x);
      if (item != nullptr && item->has_key(key)) [[likely]] {
        use(x);
        return item;
      }
    }
    return nullptr;
  }

  /// Not by `hashed_key`, which `find` would have to write to memory.
  const entry* find_in_chain(bytes_view key, std::uint64_t hash) const noexcept;

  bool move_to(bucket& target, index_slot from) noexcept;
  bucket* append_overflow(bucket& last) noexcept;
  void retire_overflows(bucket& first) noexcept;
  [[nodiscard]] bool make_room_to_give_up() noexcept;
  void give_up_segment() noexcept;
  void publish_bytes() noexcept;
  void release(void* what) noexcept;

  bucket_directory directory_;
  std::atomic<bool> counting_{false};
  overflow_buckets overflows_;
  std::vector<bucket_directory::segment> given_up_;
  std::atomic<std::size_t> bytes_{0};
  retired_list retired_;
};

} // namespace troupe::memory
