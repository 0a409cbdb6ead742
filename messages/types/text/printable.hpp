#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe {

/// Bytes of a text from outside that a log or a report shows.
inline constexpr std::size_t most_shown = 200;

/// As one line of printable ASCII: other bytes become \xNN, and of more than
/// `most_shown` bytes the rest is cut.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace troupe
