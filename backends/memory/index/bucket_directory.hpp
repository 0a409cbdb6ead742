#pragma once

// The first buckets of the chains, and which of them a hash belongs to while their
// number changes by one at a time: linear hashing (Litwin 1980).

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/index/bucket.hpp>
#include <troupe/backends/memory/space/segmented_array.hpp>

namespace troupe::memory {

/// One thread changes it; `[]`, `of`, `count` and `merges` are for any thread inside an
/// epoch guard. Segments of 8, 8, 16, 32, ... buckets that never move.
class bucket_directory {
public:
  using segment = segmented_array<bucket>::segment;

  static constexpr std::size_t least_buckets = 8;
  static constexpr std::size_t most_buckets = std::size_t{1}
                                              << (bucket_bits - 1);
  static constexpr std::size_t max_segments
    = segmented_array<bucket>::max_segments;

  /// Throws std::bad_alloc.
  bucket_directory() {
    if (!buckets_.add())
      throw std::bad_alloc{};
    count_.store(least_buckets, std::memory_order_relaxed);
  }

  // -- which bucket ------------------------------------------------------------

  /// The bucket of a hash among `count`: by the bits of the next power of two,
  /// or by one less when that bucket does not exist yet. No branch, as it would
  /// be mispredicted up to half the time.
  [[nodiscard]] static std::size_t bucket_of(std::uint64_t hash,
                                             std::size_t count) noexcept {
    auto mask = ~std::size_t{0} >> __builtin_clzll(count - 1);
    auto number = static_cast<std::size_t>(hash) & mask;
    return number & (mask >> (number >= count ? 1 : 0));
  }

  /// The bucket from which bucket number `count` is split off.
  [[nodiscard]] static std::size_t split_from(std::size_t count) noexcept {
    return count - std::bit_ceil(count + 1) / 2;
  }

  // -- any thread, inside an epoch guard ---------------------------------------

  [[nodiscard]] bucket& operator[](std::size_t number) const noexcept {
    return buckets_[number];
  }

  /// The bucket of a hash at this moment.
  [[nodiscard]] bucket& of(std::uint64_t hash) const noexcept {
    return buckets_[bucket_of(hash, count())];
  }

  /// The number of buckets.
  [[nodiscard]] std::size_t count() const noexcept {
    return count_.load(std::memory_order_acquire);
  }

  /// How often a bucket was merged into another one.
  [[nodiscard]] std::size_t merges() const noexcept {
    return merges_.load(std::memory_order_acquire);
  }

  // -- the writer --------------------------------------------------------------

  /// Like `count`.
  [[nodiscard]] std::size_t size() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }

  /// Allocates memory for the bucket `number`; false when there is no memory.
  [[nodiscard]] bool reach(std::size_t number) noexcept {
    return number < most_buckets && buckets_.reach(number);
  }

  /// Publishes `count` buckets, one more than before. The last one already has copies
  /// of its entries.
  void publish_split(std::size_t count) noexcept {
    count_.store(count, std::memory_order_release);
  }

  /// Publishes `count` buckets, one less than before. Another bucket already has copies
  /// of the last one's entries.
  void publish_merge(std::size_t count) noexcept {
    merges_.store(merges_.load(std::memory_order_relaxed) + 1,
                  std::memory_order_release);
    count_.store(count, std::memory_order_release);
  }

  /// Number of buckets that have memory.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return buckets_.size();
  }

  /// Whether the last segment has been unused for long.
  [[nodiscard]] bool has_excess() const noexcept {
    return buckets_.has_excess(size());
  }

  /// Removes the last segment; call `free` with it once no reader uses it.
  [[nodiscard]] segment give_up() noexcept {
    return buckets_.give_up();
  }

  static void free(segment x) noexcept {
    segmented_array<bucket>::free(x);
  }

private:
  segmented_array<bucket> buckets_;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::size_t> merges_{0};
};

} // namespace troupe::memory
