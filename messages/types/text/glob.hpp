#pragma once

#include <bitset>
#include <cstddef>
#include <memory>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Whether letters of ASCII match each other in any case, as in the names of
/// commands and settings, or not, as in keys and channels.
enum class letter_case { any, exact };

/// Bytes of a pattern that a client may give: to compare a text with one takes up to one
/// step for each of its bytes and each 64 of these.
inline constexpr std::size_t longest_pattern = 1024;

/// Whether `text` matches `pattern` as Redis understands it: `*`, `?`, `[abc]`,
/// `[^a]`, `[a-z]`, and `\` before a character that stands for itself. An empty
/// text matches an empty pattern only. Takes at most a number of steps in proportion to
/// the text's size and, for each of its bytes, each 64 elements of the pattern; of a
/// pattern with more than `longest_pattern` elements, the product of both sizes.
[[nodiscard]] bool glob_match(bytes_view pattern, bytes_view text,
                              letter_case how = letter_case::any) noexcept;

class bit_matcher;

/// A pattern that many texts are compared with: that takes no more time for a long class
/// than for a letter. Throws std::bad_alloc.
class glob {
public:
  explicit glob(bytes_view pattern, letter_case how = letter_case::any);

  /// As `glob_match`, and as fast at least. Thread-safe.
  [[nodiscard]] bool matches(bytes_view text) const noexcept;

  ~glob();

  glob(const glob&) = delete;
  glob& operator=(const glob&) = delete;

private:
  using characters = std::bitset<256>;

  /// The characters that stand for one of the text's; null: a star.
  using element = const characters*;

  class cursor;

  std::vector<characters> sets_;
  std::vector<element> elements_;
  std::unique_ptr<bit_matcher> bits_; ///< Where trying may take long.
};

} // namespace troupe
