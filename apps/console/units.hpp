#pragma once

#include <cstdint>
#include <string>

#include <troupe/messages/types/duration.hpp>

namespace troupe::console {

/// "17 B", "1.2 MiB", "345 GiB": three digits or four, powers of 1024.
[[nodiscard]] std::string bytes_text(std::uint64_t x);

/// "1,234,567".
[[nodiscard]] std::string count_text(std::uint64_t x);

using troupe::duration_text;
using troupe::parse_duration;

} // namespace troupe::console
