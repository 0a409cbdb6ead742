#pragma once

#include <limits>
#include <optional>
#include <string>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// What INCRBYFLOAT takes for a number: all of C's spellings (`strtold`), with
/// no blanks around; infinity is one, not a number is none.
[[nodiscard]] std::optional<long double> parse_decimal(bytes_view text);

/// A finite number as Redis writes it: 17 digits behind the point, without the
/// zeros at the end.
[[nodiscard]] std::string format_decimal(long double x);

/// Bytes that `format_decimal` returns at most: sign, digits, point and fraction.
inline constexpr std::size_t longest_formatted
  = 1 + (std::numeric_limits<long double>::max_exponent10 + 1) + 1 + 17;

} // namespace troupe
