#pragma once

#include <cstdint>

namespace troupe::testing::detail {

/// Random numbers that are the same on every machine (splitmix64).
class dice {
public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed) {
    // nop
  }

  std::uint64_t next() noexcept {
    auto x = state_ += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }

  /// Below `bound`, which is above 0.
  std::uint64_t below(std::uint64_t bound) noexcept {
    return next() % bound;
  }

private:
  std::uint64_t state_;
};

} // namespace troupe::testing::detail
