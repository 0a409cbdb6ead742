#pragma once

// Which of some prefixes is the longest that a key begins with: a tree of the
// bytes at which they part.
//
//   "img:"  "user:"  "user:eu:"  "user:us:"
//
//   root ┬ i → "img:" (img:)
//        └ u → "user:" (user:) ┬ e → "eu:" (user:eu:)
//                              └ u → "us:" (user:us:)
//
// A search goes down as far as the key leads it and remembers the last prefix that
// it passed: one step per branching, whatever the number of prefixes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe::memory {

/// Immutable, so any thread may ask.
class prefix_map {
public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// How many prefixes there may be: nodes have numbers of one byte.
  static constexpr std::size_t most = 127;

  /// No two are equal, none is empty, and there are `most` at most. Throws
  /// std::bad_alloc.
  explicit prefix_map(const std::vector<std::string>& prefixes);

  /// The index, among the prefixes as they were given, of the longest that `key`
  /// begins with, or `none`.
  [[nodiscard]] std::size_t find(bytes_view key) const noexcept;

  /// The index of this prefix itself, or `none`.
  [[nodiscard]] std::size_t index_of(bytes_view prefix) const noexcept;

private:
  struct node {
    std::string label;        ///< What leads here from the node above.
    std::size_t index = none; ///< Of the prefix that ends here, if one does.
    /// By the first byte of its label, the node below; 0: there is none.
    std::array<std::uint8_t, 256> below{};
  };

  struct named {
    bytes_view prefix;
    std::size_t index;
  };

  /// Makes the node of these prefixes, in ascending order, which are alike in
  /// their first `depth` bytes, and those below it; returns its number.
  std::size_t grow(std::span<const named> sorted, std::size_t depth);

  std::vector<node> nodes_; ///< The root comes first.
};

} // namespace troupe::memory
