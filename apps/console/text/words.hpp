#pragma once

// Command lines: splits them into words, with quotes and escapes, and quotes words again.
//
//   plain    ends at a blank or a semicolon; `\` keeps the next blank, quote,
//            semicolon or backslash
//   "..."    the escapes below
//   '...'    no character is special
//   escapes  \xNN \n \r \t \0 \\ \" \' (outside of '...')
//
// Adjacent parts make one word, as in a shell: key'with blanks'"\x00".

#include <string>
#include <string_view>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::console {

/// The words of one command; they may hold any byte.
using word_list = std::vector<std::string>;

/// The commands of a line. Commands without words are dropped.
/// Errors: `invalid_argument` (an open quote, a bad escape; names the column).
[[nodiscard]] expected<std::vector<word_list>> split(std::string_view line);

/// `x` in double quotes and as plain ASCII, so that `split` reads it back.
[[nodiscard]] std::string quote(bytes_view x);

/// As `quote`, but without quotes when `split` does not need them.
[[nodiscard]] std::string quote_if_needed(bytes_view x);

} // namespace troupe::console
