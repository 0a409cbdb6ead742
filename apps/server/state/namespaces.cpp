#include "apps/server/namespaces.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "apps/settings/max_memory.hpp"
#include <troupe/messages/types/text/memory_size.hpp>
#include "apps/server/server_state.hpp"

namespace troupe::server {

namespace {

tl::unexpected<error> bad(bytes_view word, const std::string& why) {
  return fail(errc::invalid_argument, prefix_text(word) + ": " + why);
}

/// "session:=64mb,noeviction".
expected<namespace_options> parse_one(bytes_view word) {
  const auto equals = word.rfind('=');
  if (equals == bytes_view::npos)
    return bad(word, "a namespace reads PREFIX=SIZE, as session:=64mb");
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
    return bad(word, "the limit must be a size as 100mb or 2gb, and not 0");
  result.max_bytes = *limit;
  return result;
}

std::vector<bytes_view> words_of(bytes_view text) {
  constexpr std::string_view blanks = " \t";
  std::vector<bytes_view> result;
  for (auto at = text.find_first_not_of(blanks); at != bytes_view::npos;
       at = text.find_first_not_of(blanks, at)) {
    const auto end = std::min(text.find_first_of(blanks, at), text.size());
    result.push_back(text.substr(at, end - at));
    at = end;
  }
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
        return bad(x.prefix, "the prefix is there twice");
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

std::vector<namespace_options> namespaces_of(const region& db) {
  std::vector<namespace_options> result;
  for (auto& x : db.namespaces()) {
    namespace_options one;
    one.prefix = std::move(x.prefix);
    one.max_bytes = x.max_bytes;
    one.max_entries = x.max_entries;
    if (x.own_eviction)
      one.eviction = x.eviction;
    result.push_back(std::move(one));
  }
  return result;
}

std::vector<namespace_options> present_namespaces(const server_state& server) {
  if (server.databases.count() == 0)
    return server.options.namespaces;
  return namespaces_of(server.databases[0]);
}

expected<void> check_namespaces(const region& db,
                                const std::vector<namespace_options>& wanted) {
  if (wanted.empty())
    return fail(errc::invalid_argument,
                "argument must name namespaces, as session:=64mb");
  const auto present = namespaces_of(db);
  for (const auto& x : wanted) {
    const auto same = std::find_if(
      present.begin(), present.end(),
      [&x](const namespace_options& y) { return x.prefix == y.prefix; });
    if (same == present.end())
      return bad(x.prefix, "there is no such namespace; they are declared when "
                           "the server starts, by --namespaces");
    if (auto ok
        = db.check_namespace_limits(x.prefix, x.max_bytes, same->max_entries);
        !ok)
      return ok;
  }
  return {};
}

expected<void> change_namespaces(region& db,
                                 const std::vector<namespace_options>& wanted) {
  const auto present = namespaces_of(db);
  for (const auto& x : wanted)
    for (const auto& y : present) {
      if (x.prefix != y.prefix)
        continue;
      auto ok = db.set_namespace_limits(x.prefix, x.max_bytes, y.max_entries);
      if (ok && x.eviction)
        ok = db.set_namespace_eviction(x.prefix, x.eviction);
      if (!ok)
        return ok;
    }
  return {};
}

} // namespace troupe::server
