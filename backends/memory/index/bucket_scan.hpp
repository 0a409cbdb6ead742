#pragma once

// How a scan stays correct while buckets are split: it visits the keys in the order of
// their hash read backwards, lowest bit first. In this order a bucket is an interval,
// and a split cuts it in two: the lower half stays, the upper half moves. So a scan at
// a position has met every key below it that was present all the time, whatever the
// number of buckets was. A position means the same in a table of any size, and each
// step moves forward, so that the scan ends although the table grows. When the bucket
// is split or merged while it is read, the step ends at the end of the smaller
// interval: a reader that misses a word because it was cleared sees the new count
// (index.hpp).

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <troupe/backends/memory/entries/entry.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/index/bucket.hpp>
#include <troupe/backends/memory/index/bucket_directory.hpp>
#include <troupe/backends/memory/index/overflow_buckets.hpp>

namespace troupe::memory {

/// After the last position; see `index::scan`.
inline constexpr std::uint64_t bucket_scan_end = std::uint64_t{1}
                                                 << bucket_bits;

namespace detail {

/// How many of the lowest bits all hashes in the bucket of `hash` share, when there are
/// `count` buckets: one less while the bucket has not been split.
[[nodiscard]] inline unsigned bits_in_common(std::uint64_t hash,
                                             std::size_t count) noexcept {
  auto mask = ~std::size_t{0} >> __builtin_clzll(count - 1);
  auto upper = (static_cast<std::size_t>(hash) & mask) | (mask / 2 + 1);
  return static_cast<unsigned>(std::bit_width(mask)) - (upper < count ? 0 : 1);
}

/// The bits that choose a bucket, in reverse order.
[[nodiscard]] inline std::uint64_t reversed(std::uint64_t x) noexcept {
  auto swap = [&x](unsigned n, std::uint64_t low) {
    x = ((x >> n) & low) | ((x & low) << n);
  };
  swap(1, 0x5555'5555'5555'5555);
  swap(2, 0x3333'3333'3333'3333);
  swap(4, 0x0f0f'0f0f'0f0f'0f0f);
  return __builtin_bswap64(x) >> (64 - bucket_bits);
}

} // namespace detail

/// Calls `f(const entry&)` for each entry of the bucket at position `from`, and returns
/// the next position; see `index::scan`. Must be called inside an epoch guard.
template <class F>
[[nodiscard]] std::uint64_t scan_bucket(const bucket_directory& first,
                                        const overflow_buckets& overflows,
                                        std::uint64_t from, F&& f) {
  const auto hash = detail::reversed(from);
  auto merges = first.merges();
  auto count = first.count();
  for (;;) {
    const auto number = first.bucket_of(hash, count);
    for (const bucket* b = &first[number]; b != nullptr; b = overflows.next(*b))
      for (auto& w : b->words)
        if (auto x = w.load(std::memory_order_acquire); x != 0)
          f(static_cast<const entry&>(*entry_in(x)));
    const auto before = count;
    const auto merges_before = std::exchange(merges, first.merges());
    count = first.count();
    // A split moves only positions in the middle of the interval. After a merge, the
    // bucket may hold more entries than were read.
    if (merges == merges_before && first.bucket_of(hash, count) == number) {
      const auto size
        = bucket_scan_end >> std::max(detail::bits_in_common(hash, before),
                                      detail::bits_in_common(hash, count));
      return (from | (size - 1)) + 1;
    }
  }
}

} // namespace troupe::memory
