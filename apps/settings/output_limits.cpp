#include "apps/settings/output_limits.hpp"

#include <limits>
#include <optional>
#include <vector>

#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/memory_size.hpp>
#include <troupe/messages/types/text/words.hpp>

namespace troupe::settings {

namespace {

constexpr std::array<std::string_view, 3> class_names{"normal", "slave",
                                                      "pubsub"};

std::optional<std::size_t> class_of(std::string_view name) {
  if (same_word(name, "replica"))
    return 1;
  for (std::size_t i = 0; i < class_names.size(); ++i)
    if (same_word(name, class_names[i]))
      return i;
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
    const auto hard = parse_memory_size(words[i + 1]);
    const auto soft = parse_memory_size(words[i + 2]);
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
