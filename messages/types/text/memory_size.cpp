#include <troupe/messages/types/text/memory_size.hpp>

#include <array>
#include <charconv>
#include <string_view>
#include <system_error>

#include <troupe/messages/types/text/words.hpp>

namespace troupe {

namespace {

struct size_unit {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::uint64_t thousand = 1000;
constexpr std::uint64_t kibi = 1024;

constexpr std::array size_units{
  size_unit{"", 1},
  size_unit{"b", 1},
  size_unit{"k", thousand},
  size_unit{"kb", kibi},
  size_unit{"m", thousand* thousand},
  size_unit{"mb", kibi* kibi},
  size_unit{"g", thousand* thousand* thousand},
  size_unit{"gb", kibi* kibi* kibi},
};

} // namespace

std::optional<std::uint64_t> parse_memory_size(bytes_view text) noexcept {
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stopped, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{})
    return std::nullopt;
  const bytes_view rest{stopped, static_cast<std::size_t>(end - stopped)};
  for (const auto& x : size_units) {
    if (!same_word(rest, x.name))
      continue;
    std::uint64_t result = 0;
    if (__builtin_mul_overflow(number, x.bytes, &result))
      return std::nullopt;
    return result;
  }
  return std::nullopt;
}

std::string memory_size_text(std::uint64_t size) {
  constexpr std::array shown{size_unit{"gb", kibi * kibi * kibi},
                             size_unit{"mb", kibi * kibi},
                             size_unit{"kb", kibi}};
  for (const auto& x : shown)
    if (size != 0 && size % x.bytes == 0)
      return std::to_string(size / x.bytes).append(x.name);
  return std::to_string(size);
}

} // namespace troupe
