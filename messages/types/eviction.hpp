#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe {

/// Which entries are evicted when a limit is reached; docs/decisions/0006-eviction.md
/// compares the policies.
enum class eviction_policy : std::uint8_t {
  s3_fifo, ///< New entries without a second use are evicted first. Resists scans.
  clock,   ///< In turn, entries that were not read since the last turn.
  none,    ///< No entries: a write that does not fit gets `limit_reached`.
};

/// "s3fifo", "clock" or "none".
[[nodiscard]] std::string_view to_string(eviction_policy x) noexcept;

/// Returns the policy of this name, or nothing when the name is unknown.
[[nodiscard]] std::optional<eviction_policy>
eviction_policy_from(std::string_view name) noexcept;

} // namespace troupe
