#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>

#include <troupe/messages/types/error.hpp>

namespace troupe {

/// "31.2 s"
[[nodiscard]] inline std::string seconds(std::chrono::nanoseconds x) {
  std::array<char, 32> text;
  const auto n = std::snprintf(text.data(), text.size(), "%.1f s",
                               std::chrono::duration<double>{x}.count());
  return {text.data(), static_cast<std::size_t>(std::max(n, 0))};
}

/// Whether an error of a load says something of the source of the value: such a load is
/// tried again, and opens breakers.
[[nodiscard]] inline bool speaks_of_source(const error& why) noexcept {
  return !(why == errc::load_cancelled || why == errc::shutting_down
           || why == errc::load_cycle || why == errc::overloaded
           || why == errc::circuit_open);
}

/// Whether a stale value may be served in place of this error of a load.
[[nodiscard]] inline bool may_hide(const error& why) noexcept {
  return speaks_of_source(why) || why == errc::overloaded
         || why == errc::circuit_open;
}

} // namespace troupe
