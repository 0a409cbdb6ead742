#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>

namespace troupe {

/// "31.2 s"
[[nodiscard]] inline std::string seconds(std::chrono::nanoseconds x) {
  std::array<char, 32> text;
  const auto n = std::snprintf(text.data(), text.size(), "%.1f s",
                               std::chrono::duration<double>{x}.count());
  return {text.data(), static_cast<std::size_t>(std::max(n, 0))};
}

} // namespace troupe
