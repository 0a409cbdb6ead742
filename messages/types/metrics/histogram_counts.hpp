#pragma once

// Values counted by their size, in log-linear buckets. Each value below 16 has a bucket
// of its own. Above, every power of two is divided into 8 buckets of the same width. A
// value and the middle of its bucket differ by at most 1/16 (6.25 %) of the value. 496
// buckets (4 KiB) hold all 64-bit values. G. Tene's HdrHistogram divides values in the
// same way.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace troupe {

/// The counts of a histogram at one time. Not thread-safe.
class histogram_counts {
public:
  /// The largest value that has a bucket of its own.
  static constexpr std::uint64_t last_exact = 15;

  static constexpr std::size_t bucket_count = 496;

  /// The bucket of a value. Constant time.
  [[nodiscard]] static constexpr std::size_t
  bucket_of(std::uint64_t value) noexcept {
    if (value <= last_exact)
      return static_cast<std::size_t>(value);
    const auto power = static_cast<std::size_t>(std::bit_width(value)) - 1;
    return (power - 2) * 8 + ((value >> (power - 3)) & 7);
  }

  /// The least value of a bucket. Constant time.
  [[nodiscard]] static constexpr std::uint64_t
  least_of(std::size_t bucket) noexcept {
    if (bucket <= last_exact)
      return bucket;
    return (8 + std::uint64_t{bucket % 8}) << (bucket / 8 - 1);
  }

  /// The greatest value of a bucket. Constant time.
  [[nodiscard]] static constexpr std::uint64_t
  greatest_of(std::size_t bucket) noexcept {
    return bucket + 1 == bucket_count ? ~std::uint64_t{0}
                                      : least_of(bucket + 1) - 1;
  }

  /// Adds `count` values to a bucket, but not to the sum.
  void add(std::size_t bucket, std::uint64_t count) noexcept {
    counts_[bucket] += count;
    count_ += count;
  }

  void add_to_sum(std::uint64_t x) noexcept {
    sum_ += x;
  }

  /// Number of values in all buckets.
  [[nodiscard]] std::uint64_t count() const noexcept {
    return count_;
  }

  /// The sum of the values.
  [[nodiscard]] std::uint64_t sum() const noexcept {
    return sum_;
  }

  /// Number of values in a bucket.
  [[nodiscard]] std::uint64_t at(std::size_t bucket) const noexcept {
    return counts_[bucket];
  }

  /// The quantile for `part`, from 0 to 1: 0.99 for the 99th percentile. Returns the
  /// middle of a bucket, so the result is exact to 1/16 of its value. 0 when there are
  /// no values. Linear in the number of buckets.
  [[nodiscard]] std::uint64_t quantile(double part) const noexcept;

private:
  std::array<std::uint64_t, bucket_count> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
};

} // namespace troupe
