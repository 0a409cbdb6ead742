#include "apps/server/glob.hpp"

#include <algorithm>

namespace troupe::server {

namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// How single characters are compared.
class matcher {
public:
  explicit matcher(letter_case how) noexcept : how_(how) {
    // nop
  }

  // Takes one element other than `*` off the pattern.
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

  // Takes "[...]" off the pattern. As in Redis, an escaped character begins no
  // range, a range may end with "]", and a class that is not closed ends with
  // the pattern.
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

// Where a comparison is in a pattern that is read as it goes.
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

  // Takes an element; tells whether it stands for this character.
  bool take(char c) noexcept {
    return one_.take(rest_, c);
  }

private:
  bytes_view rest_;
  matcher one_;
};

// When the text disagrees behind a star, only the last star has to be tried
// again, one character later.
template <class Cursor>
bool match(Cursor pattern, bytes_view text) noexcept {
  if (text.empty())
    return pattern.at_end();
  bool starred = false;
  auto star_pattern = pattern;
  bytes_view star_text;
  while (true) {
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
}

} // namespace

bool glob_match(bytes_view pattern, bytes_view text, letter_case how) noexcept {
  return match(text_cursor{pattern, how}, text);
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
  // Elements point into it: it does not grow.
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
}

bool glob::matches(bytes_view text) const noexcept {
  return match(cursor{elements_}, text);
}

} // namespace troupe::server
