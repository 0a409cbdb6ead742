#pragma once

// Words as clients and the server send them.

#include <string>
#include <string_view>
#include <vector>

/// Words as a RESP array of bulk strings.
inline std::string resp(const std::vector<std::string>& words) {
  auto text = "*" + std::to_string(words.size()) + "\r\n";
  for (const auto& word : words)
    text += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return text;
}

inline std::string bulk(std::string_view value) {
  return "$" + std::to_string(value.size()) + "\r\n" + std::string{value}
         + "\r\n";
}
