#pragma once

#include <bitset>
#include <cstddef>
#include <memory>
#include <vector>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// `any`: ASCII letters match in upper and lower case, as in the names of commands and
/// settings. `exact`: they do not, as in keys and channels.
enum class letter_case { any, exact };

/// Most bytes of a pattern from a client. A comparison takes at most one step for each
/// byte of the text and each 64 bytes of the pattern.
inline constexpr std::size_t longest_pattern = 1024;

/// Whether `text` matches `pattern` by Redis's rules: `*`, `?`, `[abc]`, `[^a]`,
/// `[a-z]`, and `\` before a character that stands for itself. An empty text matches
/// only an empty pattern. Time: at most the size of the text times the elements of the
/// pattern / 64; for a pattern of more than `longest_pattern` elements, the product of
/// both sizes.
[[nodiscard]] bool glob_match(bytes_view pattern, bytes_view text,
                              letter_case how = letter_case::any) noexcept;

class bit_matcher;

/// A pattern for comparison with many texts. A long class takes no more time than a
/// letter. Throws std::bad_alloc.
class glob {
public:
  explicit glob(bytes_view pattern, letter_case how = letter_case::any);

  /// Like `glob_match`, at least as fast. Thread-safe.
  [[nodiscard]] bool matches(bytes_view text) const noexcept;

  ~glob();

  glob(const glob&) = delete;
  glob& operator=(const glob&) = delete;

private:
  using characters = std::bitset<256>;

  /// The set of characters that match one character of the text; null: a star.
  using element = const characters*;

  class cursor;

  std::vector<characters> sets_;
  std::vector<element> elements_;
  std::unique_ptr<bit_matcher> bits_; ///< Where trying may take long.
};

} // namespace troupe
