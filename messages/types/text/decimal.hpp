#pragma once

#include <limits>
#include <optional>
#include <string>

#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Parses a number as INCRBYFLOAT does: all spellings of C's `strtold`, without blanks
/// around it. Accepts infinity. Returns nothing for "nan" and for other text.
[[nodiscard]] std::optional<long double> parse_decimal(bytes_view text);

/// A finite number as Redis writes it: 17 digits after the point, without trailing
/// zeros.
[[nodiscard]] std::string format_decimal(long double x);

/// Most bytes that `format_decimal` returns: sign, digits, point and fraction.
inline constexpr std::size_t longest_formatted
  = 1 + (std::numeric_limits<long double>::max_exponent10 + 1) + 1 + 17;

} // namespace troupe
