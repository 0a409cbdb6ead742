#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <troupe/messages/types/error.hpp>

namespace troupe::console {

/// "17 B", "1.2 MiB", "345 GiB": three digits or four, powers of 1024.
[[nodiscard]] std::string bytes_text(std::uint64_t x);

/// "1,234,567".
[[nodiscard]] std::string count_text(std::uint64_t x);

/// "250ms", "1.5s", "3m12s", "2h5m", "4d3h": exact below a minute, else the two
/// largest units, rounded down. `parse_duration` reads it back.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds x);

/// Reads "250ms", "1.5s", "5m" ("5min"), "2h", "1d", "1h30m"; a number alone
/// counts seconds. From zero to `max_ttl`.
/// Errors: `invalid_argument`, with what to write instead.
[[nodiscard]] expected<std::chrono::milliseconds>
parse_duration(std::string_view text);

} // namespace troupe::console
