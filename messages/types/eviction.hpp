#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe {

/// Which entries go when a limit is reached; docs/decisions/0006-eviction.md
/// compares them.
enum class eviction_policy : std::uint8_t {
  s3_fifo, ///< New ones that nobody asks for again go first. Resists scans.
  clock,   ///< In turn, those that were not read since the last turn.
  none,    ///< None: what does not fit is refused with `limit_reached`.
};

/// "s3fifo", "clock" or "none".
[[nodiscard]] std::string_view to_string(eviction_policy x) noexcept;

/// The policy of this name.
[[nodiscard]] std::optional<eviction_policy>
eviction_policy_from(std::string_view name) noexcept;

} // namespace troupe
