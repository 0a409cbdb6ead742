#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe {

/// Most bytes of a text from outside that a log or a report shows.
inline constexpr std::size_t most_shown = 200;

/// The text as one line of printable ASCII: other bytes become \xNN; bytes after the
/// first `most_shown` are cut.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace troupe
