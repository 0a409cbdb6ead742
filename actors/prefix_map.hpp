#pragma once

// Which of some prefixes is the longest that a key begins with.
//
// The prefixes are kept in ascending order, each with the longest other one that
// it begins with itself:
//
//   place   0     1       2         3
//           img:  user:   user:eu:  user:us:
//   within  -     -       1         1
//
// What precedes a key in that order, at the next place, begins with every prefix
// of the key that is among them. So from there the way leads inwards to outwards
// and the first that fits is the longest: a binary search, and as many steps as
// prefixes lie in each other.

#include <cstddef>
#include <string>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Immutable, so any thread may ask.
class prefix_map {
public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// No two are equal, and none is empty. Throws std::bad_alloc.
  explicit prefix_map(const std::vector<std::string>& prefixes);

  /// The index, among the prefixes as they were given, of the longest that `key`
  /// begins with, or `none`.
  [[nodiscard]] std::size_t find(bytes_view key) const noexcept;

  /// The index of this prefix itself, or `none`.
  [[nodiscard]] std::size_t index_of(bytes_view prefix) const noexcept;

private:
  struct place {
    std::string prefix;
    std::size_t index;
    std::size_t within; ///< The place of the next outer prefix, or `none`.
  };

  /// The last place up to `key`, or `none`.
  [[nodiscard]] std::size_t before(bytes_view key) const noexcept;

  /// From `at` outwards, the first place whose prefix `key` begins with.
  [[nodiscard]] std::size_t outwards(std::size_t at,
                                     bytes_view key) const noexcept;

  std::vector<place> places_;
};

} // namespace troupe
