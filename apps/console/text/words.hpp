#pragma once

// Command lines: words, quotes, escapes, and the way back.
//
//   plain    ends at a blank or a semicolon; `\` keeps the next blank, quote,
//            semicolon or backslash
//   "..."    the escapes below
//   '...'    everything stands for itself
//   escapes  \xNN \n \r \t \0 \\ \" \' (outside of '...')
//
// Parts that touch make one word, as in a shell: key'with blanks'"\x00".

#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::console {

/// The words of one command; they may hold any byte.
using word_list = std::vector<std::string>;

/// The commands of a line, without those that have no word.
/// Errors: `invalid_argument` (an open quote, a bad escape; names the column).
[[nodiscard]] expected<std::vector<word_list>> split(std::string_view line);

/// `x` between double quotes, as plain ASCII, such that `split` reads it back.
[[nodiscard]] std::string quote(bytes_view x);

/// As `quote`, but without quotes where `split` needs none.
[[nodiscard]] std::string quote_if_needed(bytes_view x);

} // namespace troupe::console
