// CONFIG: the settings that programs ask a Redis about, and those that can be
// changed while the server runs.

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

#include "apps/server/acceptor.hpp"
#include "apps/server/command_table.hpp"
#include "apps/server/error_text.hpp"
#include "apps/server/glob.hpp"
#include "apps/server/integer.hpp"

namespace troupe::server {

namespace {

using flag = command_flag;

struct setting {
  std::string_view name;
  std::string (*value)(const server_state& server);

  /// When it can be changed: says what is wrong with `text`, or nothing; and
  /// takes it over if that is asked for.
  std::string (*change)(server_state& server, bytes_view text, bool apply)
    = nullptr;
};

std::string check_range(bytes_view text, std::int64_t least,
                        std::int64_t most) {
  const auto value = parse_integer(text);
  if (!value)
    return "argument couldn't be parsed into an integer";
  if (*value >= least && *value <= most)
    return {};
  return "argument must be between " + std::to_string(least) + " and "
         + std::to_string(most) + " inclusive";
}

std::string change_timeout(server_state& server, bytes_view text, bool apply) {
  auto refusal = check_range(text, 0, std::numeric_limits<int>::max());
  if (refusal.empty() && apply)
    server.live.idle_timeout = std::chrono::seconds{*parse_integer(text)};
  return refusal;
}

std::string change_max_clients(server_state& server, bytes_view text,
                               bool apply) {
  auto refusal
    = check_range(text, 1, std::numeric_limits<std::uint32_t>::max());
  if (!refusal.empty())
    return refusal;
  const auto wanted = static_cast<std::size_t>(*parse_integer(text));
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto needed = wanted + defaults::reserved_descriptors;
  if (needed > limit.rlim_max)
    return "The operating system is not able to handle the specified number of "
           "clients, try with "
           + std::to_string(limit.rlim_max - defaults::reserved_descriptors);
  if (!apply)
    return {};
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, needed);
  setrlimit(RLIMIT_NOFILE, &limit);
  server.live.max_connections = wanted;
  return {};
}

std::string change_password(server_state& server, bytes_view text, bool apply) {
  if (text.empty() && !is_loopback(server.options.bind))
    return "other machines reach this server, which must have a password then";
  if (apply)
    server.access.password(std::string{text});
  return {};
}

template <const char* Text>
std::string fixed(const server_state&) {
  return Text;
}

constexpr char no[] = "no";
constexpr char zero[] = "0";
constexpr char nothing[] = "";
constexpr char noeviction[] = "noeviction";

constexpr std::array settings{
  setting{"appendonly", fixed<no>},
  setting{"bind", [](const server_state& x) { return x.options.bind; }},
  setting{"client-query-buffer-limit",
          [](const server_state& x) {
            return std::to_string(x.options.limits.command);
          }},
  setting{
    "databases",
    [](const server_state& x) { return std::to_string(x.databases.count()); }},
  setting{"maxclients",
          [](const server_state& x) {
            return std::to_string(x.live.max_connections);
          },
          change_max_clients},
  setting{"maxmemory", fixed<zero>},
  setting{"maxmemory-policy", fixed<noeviction>},
  setting{"port",
          [](const server_state& x) { return std::to_string(x.options.port); }},
  setting{"proto-max-bulk-len",
          [](const server_state& x) {
            return std::to_string(x.options.limits.bulk);
          }},
  setting{"requirepass",
          [](const server_state& x) { return x.access.password(); },
          change_password},
  setting{"save", fixed<nothing>},
  setting{"timeout",
          [](const server_state& x) {
            return std::to_string(x.live.idle_timeout.load().count());
          },
          change_timeout},
};

void config_get(command_call& call) {
  const auto patterns = call.words.subspan(2);
  std::vector<const setting*> found;
  for (const auto& x : settings)
    if (std::any_of(patterns.begin(), patterns.end(),
                    [&x](bytes_view p) { return glob_match(p, x.name); }))
      found.push_back(&x);
  call.reply.map(found.size());
  for (const auto* x : found) {
    call.reply.bulk(x->name);
    call.reply.bulk(x->value(call.server));
  }
}

const setting* find_setting(bytes_view name) noexcept {
  const auto found
    = std::find_if(settings.begin(), settings.end(), [name](const setting& x) {
        return same_word(name, x.name);
      });
  return found == settings.end() ? nullptr : &*found;
}

// CONFIG SET name value [name value ...]: all of them or none.
void config_set(command_call& call) {
  const auto words = call.words.subspan(2);
  if (words.size() % 2 != 0)
    return call.reply.error(error_text::syntax);
  std::vector<const setting*> chosen;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const auto* const x = find_setting(words[i]);
    if (x == nullptr)
      return call.reply.error(error_text::unknown_setting(words[i]));
    if (x->change == nullptr)
      return call.reply.error(error_text::immutable_setting(words[i]));
    if (std::find(chosen.begin(), chosen.end(), x) != chosen.end())
      return call.reply.error(
        error_text::refused_setting(words[i], "duplicate parameter"));
    chosen.push_back(x);
  }
  for (const auto apply : {false, true})
    for (std::size_t i = 0; i < chosen.size(); ++i)
      if (const auto refusal
          = chosen[i]->change(call.server, words[2 * i + 1], apply);
          !refusal.empty())
        return call.reply.error(
          error_text::refused_setting(words[2 * i], refusal));
  call.reply.ok();
}

constexpr std::string_view group = "server";
constexpr auto always = flag::loading | flag::stale;
constexpr auto admin = flag::admin | flag::noscript | always;

// clang-format off
constexpr std::array subcommands{
  command{"config|get", -3, admin, {}, group, "2.0.0",
          "Get settings by name or pattern", config_get},
  command{"config|help", 2, always, {}, group, "5.0.0", "Show this text",
          reply_help},
  command{"config|set", -4, admin, {}, group, "2.0.0",
          "Change maxclients, requirepass or timeout", config_set},
};

constexpr std::array commands{
  command{"config", -2, {}, {}, group, "2.0.0", "Commands on settings", nullptr,
          nullptr, subcommands},
};
// clang-format on

} // namespace

std::span<const command> config_commands() noexcept {
  return commands;
}

} // namespace troupe::server
