#include <troupe/messages/types/text/duration.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <troupe/messages/types/options.hpp>

namespace troupe {

namespace {

struct unit {
  std::string_view name;
  std::int64_t milliseconds;
};

// Large units first; "ms" must not be read as minutes.
constexpr std::array units{unit{"d", 86'400'000}, unit{"h", 3'600'000},
                           unit{"min", 60'000},   unit{"ms", 1},
                           unit{"m", 60'000},     unit{"s", 1'000}};

tl::unexpected<error> no_duration(std::string_view text) {
  return fail(errc::invalid_argument,
              "'" + std::string{text}
                + "' is no time; write 500ms, 30s, 5m, 2h or 1d, at most "
                  "36500d");
}

/// Removes a unit from the text and returns it; zero when there is none.
std::int64_t take_unit(std::string_view& text) {
  for (const auto& x : units) {
    if (text.starts_with(x.name)) {
      text.remove_prefix(x.name.size());
      return x.milliseconds;
    }
  }
  return 0;
}

} // namespace

std::string duration_text(std::chrono::milliseconds x) {
  auto rest = x.count();
  if (rest < 0)
    return "-" + duration_text(std::chrono::milliseconds{-rest});
  if (rest < 1'000)
    return std::to_string(rest) + "ms";
  if (rest < 60'000) {
    auto result = std::to_string(rest / 1'000);
    if (const auto fraction = rest % 1'000; fraction != 0) {
      auto digits = std::to_string(1'000 + fraction).substr(1);
      digits.erase(digits.find_last_not_of('0') + 1);
      result += "." + digits;
    }
    return result + "s";
  }
  static constexpr std::array shown{unit{"d", 86'400'000}, unit{"h", 3'600'000},
                                    unit{"m", 60'000}, unit{"s", 1'000}};
  std::size_t i = 0;
  while (rest < shown[i].milliseconds)
    ++i;
  auto result
    = std::to_string(rest / shown[i].milliseconds) + std::string{shown[i].name};
  rest = rest % shown[i].milliseconds / shown[i + 1].milliseconds;
  if (rest != 0)
    result += std::to_string(rest) + std::string{shown[i + 1].name};
  return result;
}

expected<std::chrono::milliseconds> parse_duration(std::string_view text) {
  auto rest = text;
  double sum = 0;
  bool first = true;
  do {
    double number = 0;
    const auto [end, code] = std::from_chars(
      rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (code != std::errc{} || !std::isfinite(number) || std::signbit(number))
      return no_duration(text);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    // "90" is in seconds. "1h30" is refused, because its writer means minutes.
    const auto factor = rest.empty() && first ? 1'000 : take_unit(rest);
    if (factor == 0)
      return no_duration(text);
    first = false;
    sum += number * static_cast<double>(factor);
  } while (!rest.empty());
  if (sum > static_cast<double>(max_ttl.count()))
    return no_duration(text);
  return std::chrono::milliseconds{std::llround(sum)};
}

} // namespace troupe
