#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <apps/bench/trace/policy.hpp>

namespace troupe::bench {

/// How often keys were asked for of late, roughly: a count-min sketch (G.
/// Cormode, S. Muthukrishnan, 2005) with counters up to 15 that are halved
/// after every ten requests per entry of the cache, so that the past fades.
class frequency_sketch {
public:
  explicit frequency_sketch(std::size_t capacity)
    : width_(std::bit_ceil(std::max<std::size_t>(capacity, 16)) * 4),
      sample_(10 * std::max<std::size_t>(capacity, 1)),
      counters_(rows * width_) {
    // nop
  }

  void add(key_id key) {
    auto grown = false;
    for (auto i : places(key)) {
      if (counters_[i] == most)
        continue;
      ++counters_[i];
      grown = true;
    }
    if (grown && ++added_ == sample_)
      fade();
  }

  /// Never too small for what was added since it last faded, if below 15.
  [[nodiscard]] unsigned estimate(key_id key) const noexcept {
    unsigned result = most;
    for (auto i : places(key))
      result = std::min<unsigned>(result, counters_[i]);
    return result;
  }

private:
  static constexpr std::size_t rows = 4;
  static constexpr std::uint8_t most = 15;

  [[nodiscard]] std::array<std::size_t, rows>
  places(key_id key) const noexcept {
    std::array<std::size_t, rows> result;
    for (std::size_t i = 0; i < rows; ++i)
      result[i] = i * width_ + (mixed(key, i) & (width_ - 1));
    return result;
  }

  /// The finaliser of splitmix64 (S. Vigna, public domain), a stream per row.
  static std::uint64_t mixed(key_id key, std::size_t row) noexcept {
    auto x = (key + 1ULL) * 0x9e3779b97f4a7c15ULL + row * 0xd1b54a32d192ed03ULL;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31U);
  }

  void fade() {
    for (auto& x : counters_)
      x /= 2;
    added_ /= 2;
  }

  std::size_t width_; ///< Counters per row, a power of two.
  std::size_t sample_;
  std::size_t added_ = 0;
  std::vector<std::uint8_t> counters_;
};

} // namespace troupe::bench
