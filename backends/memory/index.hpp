#pragma once

// The hash index of one shard: lock-free readers, one writer, growth by one
// bucket at a time.
//
//   bucket (one cache line):  [tag|entry] x 7, overflow ─► bucket ─► ...
//   buckets: segments of 8, 8, 16, 32, ... that never move
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
// so sees the new count.
//
// How a scan stays right while buckets are split: it goes through the keys by
// their hash read backwards, lowest bit first. In this order a bucket is an
// interval, and a split cuts it in two: the lower half stays, the upper one
// moves. So a scan that has come to some position has met every key below it
// that was there all the time, however many buckets there were on the way; a
// position means the same in a table of any size, and each step moves on, so
// that the scan ends although the table grows. Should the bucket be split while
// it is read, the step ends at the middle: who misses a word because it was
// cleared sees the new count, as above.
//
// Invariants (see `validate`)
//   1. An entry is linked exactly once, in the chain of its key's bucket.
//   2. Words are never moved inside a chain: a reader that passed an empty word
//      has not missed an entry that was there all the time.
//   3. The bucket count never falls.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <troupe/backends/memory/bucket.hpp>
#include <troupe/backends/memory/entry.hpp>
#include <troupe/backends/memory/parked.hpp>

namespace troupe::memory {

/// Not an owner of entries. `find`, `scan`, the prefetches and `bytes` may be
/// called by any thread inside an epoch guard; the rest by the writer only.
class index {
public:
  /// Where a key is, or could be put. Good until the next change.
  struct position {
    std::atomic<index_word>* found = nullptr; ///< The word of the key's entry.
    entry* item = nullptr;                    ///< That entry.
    std::atomic<index_word>* free = nullptr;  ///< The chain's first empty word.
    bucket* last = nullptr;                   ///< The end of the chain.
  };

  /// Throws std::bad_alloc.
  index();
  ~index();

  index(const index&) = delete;
  index& operator=(const index&) = delete;

  // -- any thread, inside an epoch guard ---------------------------------------

  /// The entry of `key`, expired or not, or nullptr.
  [[nodiscard]] const entry* find(const hashed_key& key) const noexcept {
    auto count = count_.load(std::memory_order_acquire);
    auto& b = at(bucket_of(key.hash, count));
    if (auto* item = find_in(b, tag_of(key.hash), key.key); item != nullptr)
      [[likely]]
      return item;
    return find_in_chain(key.key, key.hash, count);
  }

  /// Fetches the line of the key's bucket, to be read.
  void prefetch_bucket(std::uint64_t hash) const noexcept {
    auto count = count_.load(std::memory_order_acquire);
    __builtin_prefetch(&at(bucket_of(hash, count)));
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
  [[nodiscard]] std::uint64_t scan(std::uint64_t from, F&& f) const;

  static constexpr std::uint64_t scan_end = std::uint64_t{1} << bucket_bits;

  // -- the writer --------------------------------------------------------------

  [[nodiscard]] position locate(const hashed_key& key) noexcept;

  /// Links `item` where `where` found the key's old entry, or where it is free.
  /// False when an overflow bucket was needed and there is no memory; nothing
  /// has changed then.
  [[nodiscard]] bool link(const position& where, std::uint64_t hash,
                          entry* item) noexcept;

  /// Unlinks the entry at `where.found`.
  void unlink(const position& where) noexcept;

  /// Splits one bucket when `entries` is more than the buckets should hold.
  /// Without memory the index stays as it is and chains grow. Constant time.
  void grow(std::size_t entries) noexcept;

  [[nodiscard]] std::size_t bucket_count() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }

  /// Memory of all buckets, in bytes. Thread-safe.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_.load(std::memory_order_relaxed);
  }

  /// Unlinks every entry of one bucket for which `dead(entry&)` holds, and hands
  /// each to `unlinked(entry&)` then.
  template <class Dead, class Unlinked>
  void sweep_bucket(std::size_t number, Dead&& dead,
                    Unlinked&& unlinked) noexcept {
    for_each_word(at(number), [&](std::atomic<index_word>& w, index_word x) {
      auto& item = *entry_in(x);
      if (!dead(item))
        return;
      w.store(0, std::memory_order_release);
      unlinked(item);
    });
  }

  /// Calls `f(const entry&)` for every entry. Linear.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = 0, n = bucket_count(); i < n; ++i)
      for_each_word(at(i), [&](std::atomic<index_word>&, index_word x) {
        f(static_cast<const entry&>(*entry_in(x)));
      });
  }

  /// Checks the invariants against an expected number of entries; returns what
  /// is wrong, or an empty string. Linear.
  [[nodiscard]] std::string validate(std::size_t entries) const;

  /// Quarters of an entry per bucket of seven that start a split. Linear hashing fills the
  /// buckets that are next in line up to twice as much as those just split;
  /// at 4.25 a few per cent of the entries are in overflow buckets.
  static constexpr std::size_t target_load_quarters = 17;

private:
  static constexpr std::size_t first_segment = 8;
  static constexpr std::size_t max_segments = 40;

  /// The bucket of a hash among `count`: by the bits of the next power of two,
  /// or by one less when that bucket does not exist yet. No branch, as it would
  /// be mispredicted up to half the time.
  [[nodiscard]] static std::size_t bucket_of(std::uint64_t hash,
                                             std::size_t count) noexcept {
    auto mask = ~std::size_t{0} >> __builtin_clzll(count - 1);
    auto number = static_cast<std::size_t>(hash) & mask;
    return number & (mask >> (number >= count ? 1 : 0));
  }

  /// How many of the lowest bits its hashes have in common in the bucket of
  /// `hash` among `count`: one less as long as it has not been split.
  [[nodiscard]] static unsigned bits_of(std::uint64_t hash,
                                        std::size_t count) noexcept {
    auto mask = ~std::size_t{0} >> __builtin_clzll(count - 1);
    auto upper = (static_cast<std::size_t>(hash) & mask) | (mask / 2 + 1);
    return static_cast<unsigned>(std::bit_width(mask)) - (upper < count ? 0 : 1);
  }

  /// The bits that choose a bucket, in reverse order.
  [[nodiscard]] static std::uint64_t reversed(std::uint64_t x) noexcept {
    auto swap = [&x](unsigned n, std::uint64_t low) {
      x = ((x >> n) & low) | ((x & low) << n);
    };
    swap(1, 0x5555'5555'5555'5555);
    swap(2, 0x3333'3333'3333'3333);
    swap(4, 0x0f0f'0f0f'0f0f'0f0f);
    return __builtin_bswap64(x) >> (64 - bucket_bits);
  }

  /// The segment of a bucket: 0 for the first eight, then one per doubling.
  [[nodiscard]] static std::size_t segment_of(std::size_t number) noexcept {
    static_assert(first_segment == 8);
    return 61 - static_cast<std::size_t>(__builtin_clzll(number | 7));
  }

  /// The number of a segment's first bucket: 0, 8, 16, 32, ...
  [[nodiscard]] static std::size_t start_of(std::size_t segment) noexcept {
    return segment == 0 ? 0 : first_segment << (segment - 1);
  }

  [[nodiscard]] static std::size_t segment_size(std::size_t i) noexcept {
    return i == 0 ? first_segment : start_of(i);
  }

  [[nodiscard]] bucket& at(std::size_t number) const noexcept {
    return *reinterpret_cast<bucket*>(origins_[segment_of(number)]
                                      + number * sizeof(bucket));
  }

  [[nodiscard]] bucket* segment(std::size_t i) const noexcept {
    return origins_[i] == 0 ? nullptr : &at(start_of(i));
  }

  [[nodiscard]] static const entry* find_in(const bucket& where,
                                            std::uint16_t tag,
                                            bytes_view key) noexcept {
    for (auto fits = where.with_tag(tag); !fits.empty(); fits.drop_first()) {
      auto x = where.words[fits.first()].load(std::memory_order_acquire);
      auto* item = entry_in(x);
      // Where the value lies is known only when the header has arrived. Without
      // waiting for that: mostly on the next line.
      __builtin_prefetch(reinterpret_cast<const char*>(item) + 64);
      if (tag_in(x) == tag && item->has_key(key)) [[likely]]
        return item;
    }
    return nullptr;
  }

  /// Not by `hashed_key`, which would have to be in memory for every `find`.
  const entry* find_in_chain(bytes_view key, std::uint64_t hash,
                             std::size_t count) const noexcept;

  /// Calls `f(std::atomic<index_word>&, index_word)` for what a chain links.
  template <class F>
  static void for_each_word(bucket& first, F&& f) {
    for (auto* b = &first; b != nullptr;
         b = b->overflow.load(std::memory_order_relaxed))
      for (auto& w : b->words)
        if (auto x = w.load(std::memory_order_relaxed); x != 0)
          f(w, x);
  }

  void add_bytes(std::size_t n) noexcept {
    bytes_.store(bytes() + n, std::memory_order_relaxed);
  }

  bool add_segment(std::size_t i) noexcept;
  bucket* append_overflow(bucket& last) noexcept;
  bool add_overflow_run() noexcept;
  bool move_to(bucket& target, index_word x) noexcept;

  std::atomic<std::size_t> count_;

  /// Where bucket 0 would be if a segment reached back to it, so that finding a
  /// bucket takes one addition; 0: no such segment. Published by `count_`: a
  /// segment is set before any of its numbers counts.
  std::array<std::uintptr_t, max_segments> origins_{};

  /// Overflow buckets are taken one by one from runs of them.
  struct overflow_run {
    bucket* first;
    std::size_t size;
  };

  std::vector<overflow_run> overflow_runs_;
  std::size_t overflows_left_ = 0; ///< At the end of the newest run.
  std::atomic<std::size_t> bytes_{0};
};

// -- implementation --------------------------------------------------------------

template <class F>
std::uint64_t index::scan(std::uint64_t from, F&& f) const {
  auto hash = reversed(from);
  auto count = count_.load(std::memory_order_acquire);
  for (;;) {
    auto number = bucket_of(hash, count);
    for (const bucket* b = &at(number); b != nullptr;
         b = b->overflow.load(std::memory_order_acquire))
      for (auto& w : b->words)
        if (auto x = w.load(std::memory_order_acquire); x != 0)
          f(static_cast<const entry&>(*entry_in(x)));
    count = count_.load(std::memory_order_acquire);
    // Only a position in the middle of the interval can have moved.
    if (bucket_of(hash, count) == number)
      break;
  }
  auto size = scan_end >> bits_of(hash, count);
  return (from | (size - 1)) + 1;
}

} // namespace troupe::memory
