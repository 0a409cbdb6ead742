#include <troupe/messages/types/text/printable.hpp>

namespace troupe {

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    if (result.size() >= most_shown)
      return result + "...";
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f)
      result += c;
    else
      result.append("\\x")
        .append(1, digits[byte >> 4])
        .append(1, digits[byte & 0xf]);
  }
  return result;
}

} // namespace troupe
