#include <troupe/messages/types/text/glob.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

// A pattern is compared by trying for a limited number of steps, which is fast for
// nearly all patterns. Some patterns take the product of both sizes, such as "*aaaaab"
// with a text of many "a". These are compared in a second way: after each byte of the
// text, one bit for each number of elements records whether that many elements of the
// pattern match the bytes so far. All bits advance at once (R. Baeza-Yates, G. Gonnet:
// A New Approach to Text Searching, CACM 35(10), 1992): at most 17 words for each byte
// of the text.

namespace troupe {

namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// Compares single characters.
class matcher {
public:
  explicit matcher(letter_case how) noexcept : how_(how) {
    // nop
  }

  // Removes one element other than `*` from the pattern and compares it.
  bool take(bytes_view& pattern, char c) const noexcept {
    if (pattern.front() == '[')
      return take_class(pattern, fold(c));
    const bool any = pattern.front() == '?';
    if (pattern.front() == '\\' && pattern.size() > 1)
      pattern.remove_prefix(1);
    const auto wanted = fold(pattern.front());
    pattern.remove_prefix(1);
    return any || wanted == fold(c);
  }

private:
  [[nodiscard]] char fold(char c) const noexcept {
    return how_ == letter_case::any ? lower(c) : c;
  }

  // Removes "[...]" from the pattern. As in Redis, an escaped character does not begin
  // a range, a range may end with "]", and a class that is not closed ends with the
  // pattern.
  bool take_class(bytes_view& pattern, char c) const noexcept {
    pattern.remove_prefix(1);
    const bool inverted = pattern.starts_with('^');
    if (inverted)
      pattern.remove_prefix(1);
    bool found = false;
    while (!pattern.empty()) {
      if (pattern.front() == '\\' && pattern.size() > 1) {
        found = found || fold(pattern[1]) == c;
        pattern.remove_prefix(2);
      } else if (pattern.front() == ']') {
        pattern.remove_prefix(1);
        break;
      } else if (pattern.size() > 2 && pattern[1] == '-') {
        found = found || within(c, fold(pattern[0]), fold(pattern[2]));
        pattern.remove_prefix(3);
      } else {
        found = found || fold(pattern.front()) == c;
        pattern.remove_prefix(1);
      }
    }
    return found != inverted;
  }

  static bool within(signed char c, signed char a, signed char b) noexcept {
    return c >= std::min(a, b) && c <= std::max(a, b);
  }

  letter_case how_;
};

// The position of a comparison in a pattern that is parsed meanwhile.
class text_cursor {
public:
  text_cursor(bytes_view pattern, letter_case how) noexcept
    : rest_(pattern), one_(how) {
    // nop
  }

  [[nodiscard]] bool at_end() const noexcept {
    return rest_.empty();
  }

  [[nodiscard]] bool at_star() const noexcept {
    return rest_.starts_with('*');
  }

  void skip_star() noexcept {
    rest_.remove_prefix(1);
  }

  // Removes an element; returns whether it matches this character.
  bool take(char c) noexcept {
    return one_.take(rest_, c);
  }

private:
  bytes_view rest_;
  matcher one_;
};

// After a mismatch behind a star, only the last star is tried again, one character
// later. Returns nothing when that takes more than `most` steps.
template <class Cursor>
std::optional<bool> try_match(Cursor pattern, bytes_view text,
                              std::size_t most) noexcept {
  if (text.empty())
    return pattern.at_end();
  bool starred = false;
  auto star_pattern = pattern;
  bytes_view star_text;
  for (; most > 0; --most) {
    if (pattern.at_star()) {
      pattern.skip_star();
      starred = true;
      star_pattern = pattern;
      star_text = text;
      continue;
    }
    if (text.empty() && pattern.at_end())
      return true;
    if (!text.empty() && !pattern.at_end() && pattern.take(text.front())) {
      text.remove_prefix(1);
      continue;
    }
    if (!starred || star_text.empty())
      return false;
    star_text.remove_prefix(1);
    pattern = star_pattern;
    text = star_text;
  }
  return std::nullopt;
}

/// Steps for each byte of a text from which the second way is faster.
constexpr std::size_t tries_per_byte = 16;

constexpr auto no_bound = static_cast<std::size_t>(-1);

} // namespace

// The second way.
class bit_matcher {
public:
  static constexpr std::size_t characters = 256;
  static constexpr std::size_t word_bits = 64;

  /// The words of a state: a bit for each number of elements, zero included.
  static constexpr std::size_t most_words = longest_pattern / word_bits + 1;

  /// Adds an element that matches each character for which `stands_for` is true; at
  /// most `longest_pattern` elements.
  template <class F>
  void add(F stands_for) noexcept {
    for (std::size_t c = 0; c < takes_.size(); ++c)
      if (stands_for(static_cast<char>(c)))
        set(takes_[c], size_);
    ++size_;
  }

  void add_star() noexcept {
    set(stays_, size_);
  }

  [[nodiscard]] bool matches(bytes_view text) const noexcept {
    const auto words = size_ / word_bits + 1;
    state now{};
    now[0] = 1;
    for (const char c : text) {
      const auto& takes = takes_[static_cast<unsigned char>(c)];
      std::uint64_t carry = 0;
      std::uint64_t any = 0;
      for (std::size_t i = 0; i < words; ++i) {
        const auto on = now[i] & takes[i];
        now[i] = (on << 1) | carry | (now[i] & stays_[i]);
        carry = on >> (word_bits - 1);
        any |= now[i];
      }
      if (any == 0)
        return false;
    }
    return has(now, size_);
  }

private:
  using state = std::array<std::uint64_t, most_words>;

  static void set(state& x, std::size_t bit) noexcept {
    x[bit / word_bits] |= std::uint64_t{1} << (bit % word_bits);
  }

  static bool has(const state& x, std::size_t bit) noexcept {
    return ((x[bit / word_bits] >> (bit % word_bits)) & 1) != 0;
  }

  std::array<state, characters>
    takes_{};     ///< Where a character matches the next element.
  state stays_{}; ///< Where any character is part of a star.
  std::size_t size_ = 0;
};

namespace {

/// Adds the elements of a pattern. False when there are more than `longest_pattern`.
bool add_elements(bit_matcher& to, bytes_view pattern,
                  letter_case how) noexcept {
  std::size_t elements = 0;
  for (text_cursor at{pattern, how}; !at.at_end();) {
    if (at.at_star()) {
      at.skip_star();
      to.add_star();
      continue;
    }
    if (++elements > longest_pattern)
      return false;
    auto behind = at;
    to.add([&](char c) {
      behind = at;
      return behind.take(c);
    });
    at = behind;
  }
  return true;
}

} // namespace

bool glob_match(bytes_view pattern, bytes_view text, letter_case how) noexcept {
  const text_cursor begin{pattern, how};
  // The second way must first read the pattern for each possible character.
  const auto most
    = tries_per_byte * text.size() + bit_matcher::characters * pattern.size();
  if (const auto tried = try_match(begin, text, most))
    return *tried;
  bit_matcher bits; // Of 35 KiB.
  if (add_elements(bits, pattern, how))
    return bits.matches(text);
  return *try_match(begin, text, no_bound);
}

class glob::cursor {
public:
  explicit cursor(const std::vector<element>& elements) noexcept
    : next_(elements.data()), end_(next_ + elements.size()) {
    // nop
  }

  [[nodiscard]] bool at_end() const noexcept {
    return next_ == end_;
  }

  [[nodiscard]] bool at_star() const noexcept {
    return next_ != end_ && *next_ == nullptr;
  }

  void skip_star() noexcept {
    ++next_;
  }

  bool take(char c) noexcept {
    return (**next_++)[static_cast<unsigned char>(c)];
  }

private:
  const element* next_;
  const element* end_;
};

glob::glob(bytes_view pattern, letter_case how) {
  // Elements point into it, so it must not grow.
  sets_.reserve(pattern.size());
  for (text_cursor at{pattern, how}; !at.at_end();) {
    if (at.at_star()) {
      at.skip_star();
      elements_.push_back(nullptr);
      continue;
    }
    characters set;
    auto behind = at;
    for (std::size_t c = 0; c < set.size(); ++c) {
      behind = at;
      set[c] = behind.take(static_cast<char>(c));
    }
    at = behind;
    elements_.push_back(&sets_.emplace_back(set));
  }
  // With few elements after a star, trying takes about as few steps.
  const auto star = std::find(elements_.begin(), elements_.end(), nullptr);
  const auto behind = static_cast<std::size_t>(elements_.end() - star);
  if (behind <= tries_per_byte || sets_.size() > longest_pattern)
    return;
  bits_ = std::make_unique<bit_matcher>();
  for (const auto* const x : elements_)
    if (x == nullptr)
      bits_->add_star();
    else
      bits_->add([x](char c) { return (*x)[static_cast<unsigned char>(c)]; });
}

glob::~glob() = default;

bool glob::matches(bytes_view text) const noexcept {
  const cursor begin{elements_};
  if (const auto tried
      = try_match(begin, text, bits_ ? tries_per_byte * text.size() : no_bound))
    return *tried;
  return bits_->matches(text);
}

} // namespace troupe
