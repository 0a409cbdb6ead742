#include "apps/server/glob.hpp"

#include <cstddef>
#include <utility>

namespace troupe::server {

namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// Takes "[...]" off the pattern and tells whether it admits `c`.
bool match_class(bytes_view& pattern, char c) noexcept {
  pattern.remove_prefix(1);
  const bool inverted = pattern.starts_with('^');
  if (inverted)
    pattern.remove_prefix(1);
  bool found = false;
  while (!pattern.empty() && pattern.front() != ']') {
    if (pattern.front() == '\\' && pattern.size() > 1)
      pattern.remove_prefix(1);
    auto first = lower(pattern.front());
    auto last = first;
    if (pattern.size() > 2 && pattern[1] == '-' && pattern[2] != ']') {
      last = lower(pattern[2]);
      pattern.remove_prefix(2);
    }
    if (first > last)
      std::swap(first, last);
    found = found || (c >= first && c <= last);
    pattern.remove_prefix(1);
  }
  if (!pattern.empty())
    pattern.remove_prefix(1);
  return found != inverted;
}

// Takes one element other than `*` off the pattern.
bool match_one(bytes_view& pattern, char c) noexcept {
  if (pattern.front() == '[')
    return match_class(pattern, c);
  const bool any = pattern.front() == '?';
  if (pattern.front() == '\\' && pattern.size() > 1)
    pattern.remove_prefix(1);
  const auto wanted = lower(pattern.front());
  pattern.remove_prefix(1);
  return any || wanted == c;
}

} // namespace

// When the text disagrees behind a star, only the last star has to be tried
// again, one character later.
bool glob_match(bytes_view pattern, bytes_view text) noexcept {
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
        && match_one(pattern, lower(text.front()))) {
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
