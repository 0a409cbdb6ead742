#pragma once

// The further buckets of chains whose first bucket is full.

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include <troupe/backends/memory/index/bucket.hpp>
#include <troupe/backends/memory/space/segmented_array.hpp>

namespace troupe::memory {

/// One thread changes it; `next` is for any thread inside an epoch guard. The buckets
/// are numbered from 1: see `bucket::overflow`.
class overflow_buckets {
public:
  /// The bucket after `x` in its chain, or nullptr.
  [[nodiscard]] bucket* next(const bucket& x) const noexcept {
    auto number = x.overflow();
    return number == 0 ? nullptr : &buckets_[number];
  }

  /// Adds an empty bucket after `last`, the end of a chain; nullptr when there is no
  /// memory.
  bucket* append(bucket& last) noexcept {
    std::uint32_t number = 0;
    if (!free_.empty()) {
      number = free_.back();
      free_.pop_back();
    } else {
      if (next_ > bucket::most_overflows)
        return nullptr;
      auto size = buckets_.size();
      if (!buckets_.reach(next_))
        return nullptr;
      if (buckets_.size() != size) {
        try {
          // So that `free` needs no memory.
          free_.reserve(buckets_.size());
        } catch (const std::bad_alloc&) {
          return nullptr;
        }
      }
      number = next_++;
    }
    ++in_chains_;
    last.set_overflow(number);
    return &buckets_[number];
  }

  /// Cuts off the buckets after `first` in its chain, which must link no entry, and
  /// calls `f(number)` for each of them. Call `free` with it once no reader uses it.
  template <class F>
  void cut_off(bucket& first, F&& f) noexcept {
    auto number = first.overflow();
    first.set_overflow(0);
    while (number != 0) {
      --in_chains_;
      auto cut = number;
      number = buckets_[number].overflow();
      f(cut);
    }
  }

  /// Takes back a bucket that was cut off. Needs no memory.
  void free(std::uint32_t number) noexcept {
    new (&buckets_[number]) bucket;
    // There is room: it was reserved with the buckets.
    free_.push_back(number);
  }

  /// The number of buckets in chains.
  [[nodiscard]] std::size_t in_chains() const noexcept {
    return in_chains_;
  }

  /// The number of buckets that have memory.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return buckets_.size();
  }

private:
  segmented_array<bucket> buckets_; ///< By number; 0 is unused.
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = 1; ///< The first that was never used.
  std::size_t in_chains_ = 0;
};

} // namespace troupe::memory
