#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <troupe/messages/types/text/duration.hpp>

namespace troupe::console {

/// "17 B", "1.2 MiB", "345 GiB": up to four digits, powers of 1024.
[[nodiscard]] std::string bytes_text(std::uint64_t x);

/// "1,234,567".
[[nodiscard]] std::string count_text(std::uint64_t x);

/// "1 crash", "1,234 crashes".
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view one,
                                  std::string_view several);

using troupe::duration_text;
using troupe::parse_duration;

} // namespace troupe::console
