// CONFIG: looks at settings (config_settings.hpp) and changes them.

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <troupe/messages/types/text/glob.hpp>

#include "apps/net/tls_context.hpp"
#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/commands/command_table.hpp"
#include "apps/server/commands/config_settings.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/state/server_state.hpp"
#include "apps/server/state/settings_file.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

void config_get(command_call& call) {
  const auto patterns = call.words.subspan(2);
  std::vector<const setting*> found;
  for (const auto& x : all_settings())
    if (std::any_of(patterns.begin(), patterns.end(),
                    [&x](bytes_view p) { return glob_match(p, x.name); }))
      found.push_back(&x);
  call.reply.map(found.size());
  for (const auto* x : found) {
    call.reply.bulk(x->name);
    call.reply.bulk(x->value(call.server));
  }
}

// What is refused, and why.
using named_refusal = std::pair<bytes_view, std::string>;

std::optional<named_refusal> run_all(setting_change& all,
                                     const std::vector<const setting*>& chosen,
                                     resp::arguments words) {
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (auto why = chosen[i]->set(all, words[2 * i + 1]); !why.empty())
      return named_refusal{words[2 * i], std::move(why)};
    if (all.tls && all.tls_name.empty())
      all.tls_name = words[2 * i];
  }
  return std::nullopt;
}

// Gives each of `chosen` the value behind its name in `words`.
std::optional<named_refusal>
apply_all(server_state& server, const std::vector<const setting*>& chosen,
          resp::arguments words) {
  // What is checked still holds when it is applied: no other CONFIG SET and no new
  // database comes in between.
  const auto lock = server.databases.keep_as_they_are();
  if (!lock)
    return named_refusal{words[0],
                         "other settings are being changed; try again"};
  setting_change all{server};
  if (auto refused = run_all(all, chosen, words))
    return refused;
  std::shared_ptr<const net::tls_context> context;
  if (all.tls) {
    auto loaded = net::tls_context::load(*all.tls);
    if (!loaded)
      return named_refusal{all.tls_name, loaded.error().text()};
    context = std::move(*loaded);
  }
  all.apply = true;
  if (auto refused = run_all(all, chosen, words))
    return refused;
  if (all.tls)
    server.tls.install(std::move(*all.tls), std::move(context));
  return std::nullopt;
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
    if (x->set == nullptr)
      return call.reply.error(error_text::immutable_setting(words[i]));
    if (std::find(chosen.begin(), chosen.end(), x) != chosen.end())
      return call.reply.error(
        error_text::refused_setting(words[i], "duplicate parameter"));
    chosen.push_back(x);
  }
  if (const auto refusal = apply_all(call.server, chosen, words))
    return call.reply.error(
      error_text::refused_setting(refusal->first, refusal->second));
  call.reply.ok();
}

void config_resetstat(command_call& call) {
  call.server.reset_counters();
  call.reply.ok();
}

void config_rewrite(command_call& call) {
  const auto done = rewrite_settings(call.server);
  if (done)
    return call.reply.ok();
  if (done.error() == errc::invalid_argument)
    return call.reply.error(error_text::no_config_file);
  call.reply.error("ERR Rewriting config file: " + done.error().text());
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
  command{"config|resetstat", 2, admin, {}, group, "2.0.0",
          "Count what INFO shows from zero again", config_resetstat},
  command{"config|rewrite", 2, admin, {}, group, "2.8.0",
          "Write the changed settings to the configuration file",
          config_rewrite},
  command{"config|set", -4, admin | flag::alone, {}, group, "2.0.0",
          "Change client-output-buffer-limit, maxclients, maxmemory, "
          "maxmemory-clients, maxmemory-policy, namespaces, requirepass, "
          "timeout or the files of TLS",
          config_set},
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
