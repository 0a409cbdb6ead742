#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <troupe/messages/types/error.hpp>

namespace troupe {

/// "250ms", "1.5s", "3m12s", "2h5m", "4d3h": exact below a minute, otherwise the two
/// largest units, rounded down. `parse_duration` reads this text.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds x);

/// Reads "250ms", "1.5s", "5m" ("5min"), "2h", "1d", "1h30m"; a number without a unit
/// is in seconds. From zero to `max_ttl`. Errors: `invalid_argument`, with the accepted
/// form.
[[nodiscard]] expected<std::chrono::milliseconds>
parse_duration(std::string_view text);

} // namespace troupe
