#pragma once

// Finds the longest of several prefixes that a key begins with: a tree of the bytes at
// which the prefixes differ.
//
//   "img:"  "user:"  "user:eu:"  "user:us:"
//
//   root ┬ i → "img:" (img:)
//        └ u → "user:" (user:) ┬ e → "eu:" (user:eu:)
//                              └ u → "us:" (user:us:)
//
// A search descends as far as the key leads and remembers the last prefix that it
// passed: one step per branching, whatever the number of prefixes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe::memory {

/// Immutable, so any thread may search it.
class prefix_map {
public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// Most prefixes: nodes have numbers of one byte.
  static constexpr std::size_t most = 127;

  /// The prefixes must be different, not empty, and at most `most`. Throws
  /// std::bad_alloc.
  explicit prefix_map(const std::vector<std::string>& prefixes);

  /// The index, in the order of the constructor, of the longest prefix that `key`
  /// begins with, or `none`.
  [[nodiscard]] std::size_t find(bytes_view key) const noexcept;

  /// The index of exactly this prefix, or `none`.
  [[nodiscard]] std::size_t index_of(bytes_view prefix) const noexcept;

  /// The prefix with this index.
  [[nodiscard]] bytes_view operator[](std::size_t index) const noexcept {
    return all_[index];
  }

private:
  struct node {
    std::string label;        ///< The bytes that lead here from the node above.
    std::size_t index = none; ///< Of the prefix that ends here, if one does.
    /// The node below, by the first byte of its label; 0: there is none.
    std::array<std::uint8_t, 256> below{};
  };

  struct named {
    bytes_view prefix;
    std::size_t index;
  };

  /// Makes the node of these prefixes, in ascending order, which share their first
  /// `depth` bytes, and the nodes below it; returns its number.
  std::size_t grow(std::span<const named> sorted, std::size_t depth);

  std::vector<std::string> all_;
  std::vector<node> nodes_; ///< The root comes first.
};

} // namespace troupe::memory
