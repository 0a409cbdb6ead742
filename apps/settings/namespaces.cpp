#include "apps/settings/namespaces.hpp"

#include <string_view>
#include <utility>

#include <troupe/messages/types/text/memory_size.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/settings/max_memory.hpp"

namespace troupe::settings {

namespace {

tl::unexpected<error> bad(bytes_view word, const std::string& why) {
  return fail(errc::invalid_argument, prefix_text(word) + ": " + why);
}

/// "session:=64mb,noeviction".
expected<namespace_options> parse_one(bytes_view word) {
  const auto equals = word.rfind('=');
  if (equals == bytes_view::npos)
    return bad(word,
               "a namespace has the form PREFIX=SIZE (example: session:=64mb)");
  namespace_options result;
  result.prefix = word.substr(0, equals);
  if (result.prefix.empty())
    return bad(word, "the prefix is empty; all keys together are limited by "
                     "maxmemory");
  auto size = word.substr(equals + 1);
  if (const auto comma = size.find(','); comma != bytes_view::npos) {
    result.eviction = policy_of(size.substr(comma + 1));
    if (!result.eviction)
      return bad(word,
                 "the policy must be one of the following: " + policy_names());
    size = size.substr(0, comma);
  }
  const auto limit = parse_memory_size(size);
  if (!limit || *limit == 0)
    return bad(word, "the limit must be a size above 0 (examples: 100mb, 2gb)");
  result.max_bytes = *limit;
  return result;
}

} // namespace

expected<std::vector<namespace_options>> parse_namespaces(bytes_view text) {
  std::vector<namespace_options> result;
  for (const auto word : words_of(text)) {
    auto one = parse_one(word);
    if (!one)
      return tl::unexpected{std::move(one.error())};
    for (const auto& x : result)
      if (x.prefix == one->prefix)
        return bad(x.prefix, "the prefix occurs twice");
    result.push_back(std::move(*one));
  }
  return result;
}

std::vector<std::string> namespace_notes(bytes_view text) {
  std::vector<std::string> result;
  for (const auto word : words_of(text)) {
    const auto one = parse_one(word);
    if (!one)
      return {};
    // A size has no comma.
    const auto size = word.substr(word.rfind('=') + 1);
    const auto comma = size.find(',');
    if (comma == bytes_view::npos)
      continue;
    if (const auto note = substitute_note(size.substr(comma + 1));
        !note.empty())
      result.push_back(prefix_text(one->prefix) + ": " + note);
  }
  return result;
}

std::string text_of(const std::vector<namespace_options>& namespaces) {
  std::string result;
  for (const auto& x : namespaces) {
    result.append(result.empty() ? "" : " ")
      .append(x.prefix)
      .append("=")
      .append(std::to_string(x.max_bytes));
    if (x.eviction)
      result.append(",").append(policy_name(*x.eviction));
  }
  return result;
}

} // namespace troupe::settings
