#include <troupe/messages/types/text/words.hpp>

#include <algorithm>

namespace troupe {

bool same_word(bytes_view word, std::string_view lower) noexcept {
  return word.size() == lower.size()
         && std::equal(
           word.begin(), word.end(), lower.begin(), [](char a, char b) {
             return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b;
           });
}

std::vector<bytes_view> words_of(bytes_view text) {
  constexpr std::string_view blanks = " \t";
  std::vector<bytes_view> result;
  for (auto at = text.find_first_not_of(blanks); at != bytes_view::npos;
       at = text.find_first_not_of(blanks, at)) {
    const auto end = std::min(text.find_first_of(blanks, at), text.size());
    result.push_back(text.substr(at, end - at));
    at = end;
  }
  return result;
}

} // namespace troupe
