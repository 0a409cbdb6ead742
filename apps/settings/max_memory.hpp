#pragma once

// The settings maxmemory and maxmemory-policy: how they are called and what they
// allow.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe::settings {

/// The least limit, in bytes: that of the runtime.
inline constexpr std::size_t least_max_memory
  = troupe::defaults::least_max_bytes;

/// "allkeys-s3fifo", "allkeys-clock" or "noeviction".
[[nodiscard]] std::string_view policy_name(eviction_policy x) noexcept;

/// The policy of this name, in any case; for one of Redis's others the nearest.
[[nodiscard]] std::optional<eviction_policy>
policy_of(bytes_view name) noexcept;

/// What to tell whoever named a policy that another one stands for; else empty.
[[nodiscard]] std::string substitute_note(bytes_view name);

/// All of them, for errors.
[[nodiscard]] std::string policy_names();

} // namespace troupe::settings
