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

} // namespace

// When the text disagrees behind a star, only the last star has to be tried
// again, one character later.
bool glob_match(bytes_view pattern, bytes_view text, letter_case how) noexcept {
  if (text.empty())
    return pattern.empty();
  const matcher one{how};
  bool starred = false;
  bytes_view star_pattern;
  bytes_view star_text;
  while (true) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      starred = true;
      star_pattern = pattern;
      star_text = text;
      continue;
    }
    if (text.empty() && pattern.empty())
      return true;
    if (!text.empty() && !pattern.empty()
        && one.take(pattern, text.front())) {
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

} // namespace troupe::server
