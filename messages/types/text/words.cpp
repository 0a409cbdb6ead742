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

} // namespace troupe
