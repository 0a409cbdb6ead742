#pragma once

#include <cstdint>
#include <limits>

namespace troupe {

/// The integers that `increment` may store: those that a region's values can hold.
/// Covers every integer type of up to 64 bits.
struct integer_range {
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::uint64_t most = std::numeric_limits<std::int64_t>::max();

  /// Whether a present decimal integer outside of the range is a number to add to
  /// (typed values), or `not_an_integer` (Redis).
  bool counts_from_outside = false;

  friend bool operator==(const integer_range&, const integer_range&) = default;
};

} // namespace troupe
