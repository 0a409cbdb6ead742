#include "apps/server/commands/value_options.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <troupe/messages/types/text/words.hpp>

namespace troupe::server {

namespace {

bool take_condition(bytes_view word, value_options& result) noexcept {
  auto& condition = result.condition;
  if (result.equal_to)
    return false;
  if (same_word(word, "nx") && condition != write_condition::if_present) {
    condition = write_condition::if_absent;
    return true;
  }
  if (same_word(word, "xx") && condition != write_condition::if_absent) {
    condition = write_condition::if_present;
    return true;
  }
  return false;
}

bool take_set_word(bytes_view word, value_options& result) noexcept {
  if (take_condition(word, result))
    return true;
  if (same_word(word, "get")) {
    result.reply_old = true;
    return true;
  }
  if (same_word(word, "keepttl") && !result.unit) {
    result.keep_ttl = true;
    return true;
  }
  return false;
}

// A word that says what the next one is: the value that the key must have.
bool take_comparison(bytes_view word, bytes_view value,
                     value_options& result) noexcept {
  if (!same_word(word, "ifeq") || result.equal_to
      || result.condition != write_condition::always)
    return false;
  result.equal_to = value;
  return true;
}

bool no_comparison(bytes_view, bytes_view, value_options&) noexcept {
  return false;
}

bool take_getex_word(bytes_view word, value_options& result) noexcept {
  if (!same_word(word, "persist") || result.unit)
    return false;
  result.persist = true;
  return true;
}

bool take_unit(bytes_view word, value_options& result) noexcept {
  constexpr std::array<std::pair<std::string_view, expiry_unit>, 4> units{
    {{"ex", {.seconds = true, .absolute = false}},
     {"px", {.seconds = false, .absolute = false}},
     {"exat", {.seconds = true, .absolute = true}},
     {"pxat", {.seconds = false, .absolute = true}}}};
  for (const auto& [name, unit] : units) {
    if (!same_word(word, name))
      continue;
    if (result.keep_ttl || result.persist
        || (result.unit && !(*result.unit == unit)))
      return false;
    result.unit = unit;
    return true;
  }
  return false;
}

std::optional<value_options>
parse(resp::arguments words,
      bool (*take_word)(bytes_view, value_options&) noexcept,
      bool (*take_pair)(bytes_view, bytes_view, value_options&) noexcept) {
  value_options result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (take_word(words[i], result))
      continue;
    if (i + 1 == words.size())
      return std::nullopt;
    if (take_unit(words[i], result))
      result.moment = words[i + 1];
    else if (!take_pair(words[i], words[i + 1], result))
      return std::nullopt;
    ++i;
  }
  return result;
}

} // namespace

std::optional<value_options> parse_set_options(resp::arguments words) {
  return parse(words, take_set_word, take_comparison);
}

std::optional<value_options> parse_getex_options(resp::arguments words) {
  return parse(words, take_getex_word, no_comparison);
}

} // namespace troupe::server
