#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>

namespace troupe::testing::detail {

/// "1.500 ms"
[[nodiscard]] inline std::string milliseconds_text(std::chrono::nanoseconds x) {
  std::array<char, 40> text;
  const auto n
    = std::snprintf(text.data(), text.size(), "%.3f ms",
                    std::chrono::duration<double, std::milli>{x}.count());
  return {text.data(), static_cast<std::size_t>(std::max(n, 0))};
}

} // namespace troupe::testing::detail
