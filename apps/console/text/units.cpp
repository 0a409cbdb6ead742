#include "apps/console/text/units.hpp"

#include <array>
#include <cstddef>
#include <cstdio>

namespace troupe::console {

std::string bytes_text(std::uint64_t x) {
  static constexpr std::array names{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (x < 1024)
    return std::to_string(x) + " B";
  auto value = static_cast<double>(x) / 1024;
  std::size_t i = 0;
  // 1023.5 would be printed as 1024.
  for (; value >= 1023.5 && i + 1 < names.size(); ++i)
    value /= 1024;
  std::array<char, 32> buffer{};
  // 99.95 would be printed as 100.0.
  std::snprintf(buffer.data(), buffer.size(),
                value < 99.95 ? "%.1f %s" : "%.0f %s", value, names[i]);
  return buffer.data();
}

std::string count_text(std::uint64_t x) {
  auto result = std::to_string(x);
  for (auto i = result.size(); i > 3; i -= 3)
    result.insert(i - 3, ",");
  return result;
}

std::string counted(std::uint64_t n, std::string_view one,
                    std::string_view several) {
  return count_text(n) + " " + std::string{n == 1 ? one : several};
}

} // namespace troupe::console
