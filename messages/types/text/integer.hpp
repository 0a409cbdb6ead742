#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Parses a decimal 64-bit integer in the only spelling that Redis accepts: an optional
/// minus, no leading zeros, no spaces, no bytes after it.
[[nodiscard]] inline std::optional<std::int64_t>
parse_integer(bytes_view text) noexcept {
  const auto digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || digits.front() == '-')
    return std::nullopt;
  if (digits.front() == '0' && text.size() > 1)
    return std::nullopt;
  std::int64_t value = 0;
  const auto [end, code]
    = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// Parses the cursor of a SCAN in all spellings that Redis accepts (C's `strtoul`):
/// signs, leading zeros, an empty text (0), and any bytes after a NUL.
[[nodiscard]] inline std::optional<std::uint64_t>
parse_cursor(bytes_view text) noexcept {
  text = text.substr(0, text.find('\0'));
  const auto negative = text.starts_with('-');
  if (negative || text.starts_with('+'))
    text.remove_prefix(1);
  else if (text.empty())
    return 0;
  std::uint64_t value = 0;
  const auto [end, code]
    = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return negative ? -value : value;
}

} // namespace troupe
