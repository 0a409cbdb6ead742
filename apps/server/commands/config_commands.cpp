// CONFIG: looks at options (server_option.hpp) and changes them.

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/messages/types/text/glob.hpp>

#include "apps/net/tls_context.hpp"
#include "apps/resp/error_text.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/commands/command_table.hpp"
#include "apps/server/commands/families.hpp"
#include "apps/server/options/option_table.hpp"
#include "apps/server/options/settings_file.hpp"
#include "apps/server/state/server_state.hpp"

namespace troupe::server {

namespace error_text = resp::error_text;

namespace {

using flag = command_flag;

/// A setting that CONFIG GET shows, under the name that was asked for.
struct found_setting {
  std::string_view name;
  const server_option* option;
};

void config_get(command_call& call) {
  const auto patterns = call.words.subspan(2);
  const auto matches = [&](std::string_view name) {
    return !name.empty()
           && std::any_of(
             patterns.begin(), patterns.end(),
             [&](bytes_view pattern) { return glob_match(pattern, name); });
  };
  std::vector<found_setting> found;
  for (const auto& x : options_of(call.server).rows()) {
    if (!x.has_value())
      continue;
    if (matches(x.config_name()))
      found.push_back({x.config_name(), &x});
    else if (matches(x.shown.name))
      found.push_back({x.shown.name, &x});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& x, const auto& y) { return x.name < y.name; });
  call.reply.map(found.size());
  for (const auto& x : found) {
    call.reply.bulk(x.name);
    call.reply.bulk(present_value(*x.option, call.server));
  }
}

// What is refused, and why.
using named_refusal = std::pair<bytes_view, std::string>;

// An option, and the value that it shall get.
using wanted_setting = std::pair<const server_option*, settings::value>;

std::optional<named_refusal> run_all(setting_change& all,
                                     const std::vector<wanted_setting>& chosen,
                                     resp::arguments words) {
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto& [option, value] = chosen[i];
    if (auto why = option->set(all, value); !why.empty())
      return named_refusal{words[2 * i], std::move(why)};
    if (all.tls && all.tls_name.empty())
      all.tls_name = words[2 * i];
  }
  return std::nullopt;
}

// Gives each of `chosen` the value behind its name in `words`.
std::optional<named_refusal>
apply_all(server_state& server, const std::vector<wanted_setting>& chosen,
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
  std::vector<wanted_setting> chosen;
  // The first value that is refused; names are looked at before.
  std::optional<named_refusal> refused;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const auto* const x = options_of(call.server).find(words[i]);
    if (x == nullptr || (!x->set && !x->has_value()))
      return call.reply.error(error_text::unknown_setting(words[i]));
    if (!x->set)
      return call.reply.error(error_text::immutable_setting(words[i]));
    if (std::any_of(chosen.begin(), chosen.end(),
                    [x](const auto& other) { return other.first == x; }))
      return call.reply.error(
        error_text::refused_setting(words[i], "duplicate parameter"));
    auto value = x->shown.kind.read(words[i + 1]);
    if (!value && !refused)
      refused.emplace(words[i], value.error().text());
    chosen.emplace_back(x, std::move(value).value_or(settings::value{}));
  }
  if (!refused)
    refused = apply_all(call.server, chosen, words);
  if (refused)
    return call.reply.error(
      error_text::refused_setting(refused->first, refused->second));
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

} // namespace

std::span<const command> config_commands() noexcept {
  constexpr std::string_view group = "server";
  constexpr auto always = flag::loading | flag::stale;
  constexpr auto admin = flag::admin | flag::noscript | always;

  // clang-format off
  static constexpr std::array subcommands{
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
            "Change settings of the running server, all of them or none",
            config_set},
  };

  static constexpr std::array commands{
    command{"config", -2, {}, {}, group, "2.0.0", "Commands on settings", nullptr,
            nullptr, subcommands},
  };
  // clang-format on
  return commands;
}

} // namespace troupe::server
