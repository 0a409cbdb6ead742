#include <troupe/messages/types/text/decimal.hpp>

#include <array>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace troupe {

namespace {

// Redis refuses longer texts.
constexpr std::size_t longest_decimal = 5 * 1024 - 1;

} // namespace

std::optional<long double> parse_decimal(bytes_view text) {
  if (text.empty() || text.size() > longest_decimal)
    return std::nullopt;
  if (std::isspace(static_cast<unsigned char>(text.front())) != 0)
    return std::nullopt;
  const std::string terminated{text};
  char* end = nullptr;
  errno = 0;
  const auto value = std::strtold(terminated.c_str(), &end);
  if (end != terminated.c_str() + terminated.size() || std::isnan(value))
    return std::nullopt;
  // A number close to zero is accepted unless it is rounded to zero.
  if (errno == ERANGE && (std::isinf(value) || value == 0))
    return std::nullopt;
  return value;
}

std::string format_decimal(long double x) {
  constexpr auto size = std::numeric_limits<long double>::max_exponent10 + 32;
  std::array<char, size> buffer;
  const auto length = std::snprintf(buffer.data(), buffer.size(), "%.17Lf", x);
  std::string text{buffer.data(), static_cast<std::size_t>(length)};
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.')
    text.pop_back();
  return text == "-0" ? "0" : text;
}

} // namespace troupe
