#include "apps/settings/output_limits.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <vector>

#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/words.hpp>

namespace troupe::settings {

namespace {

constexpr std::array<std::string_view, 3> class_names{"normal", "slave",
                                                      "pubsub"};

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> result;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0)
      result.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

std::optional<std::size_t> class_of(std::string_view name) {
  if (same_word(name, "replica"))
    return 1;
  for (std::size_t i = 0; i < class_names.size(); ++i)
    if (same_word(name, class_names[i]))
      return i;
  return std::nullopt;
}

/// "1048576", "1mb" (of 1024), "1m" (of 1000) and so on.
std::optional<std::uint64_t> parse_memory(std::string_view text) {
  struct unit {
    std::string_view name;
    std::uint64_t factor;
  };
  static constexpr std::array units{
    unit{"", 1},
    unit{"b", 1},
    unit{"k", 1000},
    unit{"kb", 1024},
    unit{"m", 1000'000},
    unit{"mb", 1024 * 1024},
    unit{"g", 1000'000'000},
    unit{"gb", 1024 * 1024 * 1024},
  };
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{})
    return std::nullopt;
  const std::string_view rest{stop, static_cast<std::size_t>(end - stop)};
  for (const auto& x : units)
    if (same_word(rest, x.name))
      return number <= std::numeric_limits<std::uint64_t>::max() / x.factor
               ? std::optional{number * x.factor}
               : std::nullopt;
  return std::nullopt;
}

} // namespace

std::string text_of(const output_limits& x) {
  std::string result;
  for (std::size_t i = 0; i < x.size(); ++i)
    result += (i == 0 ? "" : " ") + std::string{class_names[i]} + " "
              + std::to_string(x[i].hard) + " " + std::to_string(x[i].soft)
              + " " + std::to_string(x[i].soft_seconds);
  return result;
}

std::string read_limits(std::string_view text, output_limits& to) {
  const auto words = words_of(text);
  // To say nothing changes nothing, as at Redis.
  if (words.size() % 4 != 0)
    return "Wrong number of arguments in buffer limit configuration.";
  auto result = to;
  for (std::size_t i = 0; i < words.size(); i += 4) {
    const auto which = class_of(words[i]);
    if (!which)
      return "Invalid client class specified in buffer limit configuration.";
    const auto hard = parse_memory(words[i + 1]);
    const auto soft = parse_memory(words[i + 2]);
    const auto seconds = parse_integer(words[i + 3]);
    if (!hard || !soft || !seconds || *seconds < 0
        || *seconds > std::numeric_limits<std::int32_t>::max())
      return "Error in hard, soft or soft_seconds setting in buffer limit "
             "configuration.";
    result[*which] = {*hard, *soft, *seconds};
  }
  to = result;
  return {};
}

} // namespace troupe::settings
