#pragma once

// The hash index of one shard: lock-free readers, one writer, growth and
// shrinking by one bucket at a time.
//
//   bucket (one cache line):  [tag|entry] x 7, overflow ─► bucket ─► ...
//
//   bucket_directory   the first buckets of the chains, and which one a hash belongs to
//   overflow_buckets   those that chains continue in
//
// A word is an entry's address with 16 bits of its hash on top, so a lookup
// touches one line of the index and, but for one time in ten thousand, no entry
// but the right one. Growth is linear hashing (Litwin 1980): when the load
// passes its bound, an insert splits the next bucket in line, which moves some
// four entries; there is no rehash and no pause, at any size.
//
// How a reader stays right while a bucket is split:
//   writer: link the moving entries in the new bucket; publish the new bucket
//           count (release); clear their words in the old bucket (release)
//   reader: load the count; scan; on a miss load the count again, and repeat
//           when the key's bucket has become another one
// Who misses because a word was cleared has synchronised with the clearing, and
// so sees the new count. Merging the last bucket into the one that it was split
// from goes the same way backwards. A merge and a split between the two looks at
// the count would leave the same number, so a reader on the long way looks at a
// counter of merges, too.
//
// A scan goes through the buckets in an order that splits and merges leave intact:
// see bucket_scan.hpp.
//
// Invariants (see `validate`)
//   1. An entry is linked exactly once, in the chain of its key's bucket.
//   2. Words are never moved inside a chain: a reader that passed an empty word
//      has not missed an entry that was there all the time.
//   3. Memory that readers may still look at (buckets cut off a chain, segments
//      that were given up) is freed after them.

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

/// Not an owner of entries. `find`, `scan` and the prefetches may be called by
/// any thread inside an epoch guard, `bytes` by any; the rest by the writer only.
class index {
public:
  /// Where a key is, or could be put. Good until the next change.
  struct position {
    index_slot found;       ///< `in` is nullptr when the key has no entry.
    entry* item = nullptr;  ///< The key's entry.
    index_slot free;        ///< The chain's first empty word, if any.
    bucket* last = nullptr; ///< The end of the chain.
    std::size_t number = 0; ///< Of the key's bucket.
  };

  /// Two buckets, by number, one of which was made from or put into the other.
  struct change {
    std::size_t kept = 0;
    std::size_t other = 0; ///< The new one, or the one that is gone.
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

  /// Where the first entry stands in the hash's bucket whose tag fits, mostly the
  /// key's; `in` is nullptr when there is none. Nobody has compared its key.
  [[nodiscard]] index_slot near(std::uint64_t hash) const noexcept {
    auto& b = directory_.of(hash);
    auto fits = b.with_tag(tag_of(hash));
    if (fits.empty()) [[unlikely]]
      return {};
    return {&b, fits.first()};
  }

  /// The entry there, with its first lines on their way; nullptr when it has gone
  /// meanwhile.
  [[nodiscard]] static const entry* fetch(index_slot x) noexcept {
    auto* item = entry_in(x.word().load(std::memory_order_acquire));
    // Where the value lies is known only when the header has arrived. Without
    // waiting for that: mostly on the next line.
    __builtin_prefetch(reinterpret_cast<const char*>(item) + 64);
    return item;
  }

  /// The entry there is what was looked for.
  void use(index_slot x) const noexcept {
    if (counting_.load(std::memory_order_relaxed))
      x.in->count_use(x.slot);
  }

  /// Fetches the line of the key's bucket, to be read.
  void prefetch_bucket(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&directory_.of(hash));
  }

  /// The same, to be written to.
  void prefetch_bucket_for_write(std::uint64_t hash) const noexcept;

  /// Fetches the entries whose tag fits; the bucket should be there already.
  void prefetch_entry(std::uint64_t hash) const noexcept;

  /// Calls `f(const entry&)` for what the bucket at `from` links, expired or
  /// not, and returns the position behind it; `scan_end` behind the last. Any
  /// number below `scan_end` is a position, 0 the first. From 0 on until the
  /// end, a key that is there all the time is met at least once, one that comes
  /// or goes perhaps, and some may be met twice. Takes one chain's time.
  template <class F>
  [[nodiscard]] std::uint64_t scan(std::uint64_t from, F&& f) const {
    return scan_bucket(directory_, overflows_, from, std::forward<F>(f));
  }

  static constexpr std::uint64_t scan_end = bucket_scan_end;

  // -- the writer --------------------------------------------------------------

  [[nodiscard]] position locate(const hashed_key& key) noexcept;

  /// Links `item` where `where` found the key's old entry, whose marks it
  /// inherits, or where it is free, without marks; tells where. Nothing, when an
  /// overflow bucket was needed and there is no memory; nothing has changed then.
  [[nodiscard]] std::optional<index_slot>
  link(const position& where, std::uint64_t hash, entry* item) noexcept;

  /// Where `item` is linked, whose key has this hash; `in` is nullptr when it is
  /// not.
  [[nodiscard]] index_slot slot_of(std::uint64_t hash,
                                   const entry& item) const noexcept;

  /// Links `item` in place of the entry there, which is the same, marks and all.
  static void relink(index_slot where, std::uint64_t hash,
                     entry* item) noexcept {
    where.word().store(to_word(hash, item), std::memory_order_release);
  }

  /// Unlinks the entry there.
  static void unlink(index_slot where) noexcept {
    where.word().store(0, std::memory_order_release);
  }

  /// Splits one bucket when `entries` is more than the buckets should hold, and
  /// tells which. Without memory the index stays as it is and chains grow.
  /// Constant time, but for the system's share in a new segment.
  std::optional<change> grow(std::size_t entries) noexcept;

  /// How many buckets more there may be after the next split, those included that
  /// its entries overflow into. Linear in the chain that is split.
  [[nodiscard]] std::size_t buckets_per_split() const noexcept;

  /// Merges the last bucket into another when `entries` is a quarter of what the
  /// buckets may hold or less, and tells which. Constant time.
  std::optional<change> shrink(std::size_t entries) noexcept;

  /// Cuts empty overflow buckets off the end of a bucket's chain.
  void tidy(std::size_t number) noexcept;

  /// Frees what no reader holds any more.
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

  /// The bucket `number`, and the one behind `x` in its chain, or nullptr.
  [[nodiscard]] bucket& bucket_at(std::size_t number) const noexcept {
    return directory_[number];
  }

  [[nodiscard]] bucket* next(const bucket& x) const noexcept {
    return overflows_.next(x);
  }

  /// Whether reads are counted for eviction from now on.
  void count_uses(bool x) noexcept {
    counting_.store(x, std::memory_order_relaxed);
  }

  /// Memory of all buckets that are in use, in bytes: what the entries are
  /// charged for.
  [[nodiscard]] std::size_t used() const noexcept {
    return (bucket_count() + overflows_.in_chains()) * sizeof(bucket);
  }

  /// Memory of all segments, pages that were never touched included, in bytes.
  /// Thread-safe.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_.load(std::memory_order_relaxed);
  }

  /// Bytes that wait for readers. Thread-safe.
  [[nodiscard]] std::size_t retired_bytes() const noexcept {
    return retired_.bytes();
  }

  /// Calls `f(index_slot)` for what a bucket and its chain link; `f` may unlink
  /// it.
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

  /// Checks the invariants against an expected number of entries; returns what
  /// is wrong, or an empty string. Linear.
  [[nodiscard]] std::string validate(std::size_t entries) const;

  /// Quarters of an entry per bucket of seven that start a split. Linear hashing fills the
  /// buckets that are next in line up to twice as much as those just split;
  /// at 4.25 a few per cent of the entries are in overflow buckets.
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

  /// Not by `hashed_key`, which would have to be in memory for every `find`.
  const entry* find_in_chain(bytes_view key, std::uint64_t hash) const noexcept;

  bool move_to(bucket& target, index_slot from) noexcept;
  bucket* append_overflow(bucket& last) noexcept;
  void retire_overflows(bucket& first) noexcept;
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
