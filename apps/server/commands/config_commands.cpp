// CONFIG: the settings that programs ask a Redis about, and those that can be
// changed while the server runs.

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

#include "apps/net/bind_addresses.hpp"
#include "apps/server/command_table.hpp"
#include "apps/resp/error_text.hpp"
#include <troupe/messages/types/text/glob.hpp>
#include <troupe/messages/types/text/integer.hpp>
#include "apps/settings/max_memory.hpp"
#include <troupe/messages/types/text/memory_size.hpp>
#include "apps/server/namespaces.hpp"
#include "apps/server/settings_file.hpp"

namespace troupe::server {

namespace {

using flag = command_flag;

/// One CONFIG SET: all is checked first, then all is taken over.
struct change {
  server_state& server;
  bool apply = false;
  std::optional<tls_options> tls = {}; ///< The wanted ones, if any is named.
  bytes_view tls_name = {};            ///< The first of these names.
};

struct setting {
  std::string_view name;
  std::string (*value)(const server_state& server);

  /// When it can be changed: says what is wrong with `text`, or nothing; and
  /// takes it over if it is time for that.
  std::string (*set)(change& all, bytes_view text) = nullptr;
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

std::string set_timeout(change& all, bytes_view text) {
  auto refusal = check_range(text, 0, std::numeric_limits<int>::max());
  if (refusal.empty() && all.apply)
    all.server.live.idle_timeout = std::chrono::seconds{*parse_integer(text)};
  return refusal;
}

std::string set_max_clients(change& all, bytes_view text) {
  auto refusal
    = check_range(text, 1, std::numeric_limits<std::uint32_t>::max());
  if (!refusal.empty())
    return refusal;
  const auto wanted = static_cast<std::size_t>(*parse_integer(text));
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto reserved
    = defaults::reserved_descriptors(all.server.options.threads);
  const auto needed = wanted + reserved;
  if (needed > limit.rlim_max)
    return "The operating system is not able to handle the specified number of "
           "clients, try with "
           + std::to_string(limit.rlim_max - reserved);
  if (!all.apply)
    return {};
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, needed);
  setrlimit(RLIMIT_NOFILE, &limit);
  all.server.live.max_connections = wanted;
  return {};
}

std::string set_password(change& all, bytes_view text) {
  const auto& options = all.server.options;
  if (text.empty() && !is_loopback(options.bind)
      && !options.wants_certificates())
    return "other machines reach this server, which must have a password then";
  if (all.apply)
    all.server.access.password(std::string{text});
  return {};
}

// Certificate and key belong together, so they are looked at when all is named.
template <std::string tls_options::*File>
std::string set_tls_file(change& all, bytes_view text) {
  if (all.apply)
    return {};
  if (all.server.tls.context() == nullptr)
    return "TLS is off; start the server with --tls-port=N";
  if (!all.tls)
    all.tls = all.server.tls.options();
  (*all.tls).*File = text;
  return {};
}

template <std::string tls_options::*Text>
std::string tls_text(const server_state& x) {
  return (x.tls.context() != nullptr ? x.tls.options() : x.options.tls).*Text;
}

std::string set_max_memory(change& all, bytes_view text) {
  const auto limit = parse_memory_size(text);
  if (!limit)
    return "argument must be a memory value";
  if (*limit != 0 && *limit < least_max_memory)
    return "argument must be 0, or 64kb and more";
  const auto& memory = all.server.options.memory;
  if (!memory.set_limit)
    return "the memory of this server has no limit that could be set";
  const auto changed
    = all.apply ? memory.set_limit(*limit) : memory.check_limit(*limit);
  return changed ? std::string{} : changed.error().text();
}

std::string set_max_client_memory(change& all, bytes_view text) {
  const auto limit = parse_memory_size(text);
  if (!limit)
    return "argument must be a memory value";
  if (all.apply)
    all.server.live.max_client_memory = *limit;
  return {};
}

/// Says what is used instead of what was asked for; empty notes say nothing.
void report_notes(const change& all, const std::string& name,
                  const std::vector<std::string>& notes) {
  for (const auto& note : notes)
    if (!note.empty() && all.server.options.report)
      all.server.options.report(name + ": " + note);
}

std::string set_policy(change& all, bytes_view text) {
  const auto policy = policy_of(text);
  if (!policy)
    return "argument must be one of the following: " + policy_names();
  if (!all.apply)
    return {};
  report_notes(all, "maxmemory-policy", {substitute_note(text)});
  auto& live = all.server.live.eviction;
  const auto before = live.load();
  std::string refusal;
  std::vector<region*> changed;
  all.server.databases.for_each([&](std::size_t, region& db) {
    if (!refusal.empty())
      return;
    if (const auto done = db.set_eviction(*policy); !done)
      refusal = done.error().text();
    else
      changed.push_back(&db);
  });
  if (refusal.empty())
    live = *policy;
  else
    for (auto* const db : changed)
      static_cast<void>(db->set_eviction(before));
  return refusal;
}

std::string set_namespaces(change& all, bytes_view text) {
  const auto wanted = parse_namespaces(text);
  if (!wanted)
    return wanted.error().text();
  auto& db = all.server.databases[0];
  const auto done = all.apply ? change_namespaces(db, *wanted)
                              : check_namespaces(db, *wanted);
  if (done && all.apply)
    report_notes(all, "namespaces", namespace_notes(text));
  return done ? std::string{} : done.error().text();
}

std::string set_output_limits(change& all, bytes_view text) {
  auto& server = all.server;
  auto limits = server.live.output();
  auto refusal = read_limits(text, limits);
  if (refusal.empty() && all.apply)
    server.live.output(limits, server.options.pubsub.messages);
  return refusal;
}

std::string octal_text(mode_t x) {
  std::array<char, 8> text{};
  const auto end
    = std::to_chars(text.data(), text.data() + text.size(), x, 8).ptr;
  return {text.data(), end};
}

template <const char* Text>
std::string fixed(const server_state&) {
  return Text;
}

constexpr char no[] = "no";
constexpr char nothing[] = "";

constexpr std::array settings{
  setting{"appendonly", fixed<no>},
  setting{"bind", [](const server_state& x) { return x.options.bind; }},
  setting{"client-output-buffer-limit",
          [](const server_state& x) { return text_of(x.live.output()); },
          set_output_limits},
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
          set_max_clients},
  setting{"maxmemory",
          [](const server_state& x) {
            return std::to_string(x.options.memory.present());
          },
          set_max_memory},
  setting{"maxmemory-clients",
          [](const server_state& x) {
            return std::to_string(x.live.max_client_memory.load());
          },
          set_max_client_memory},
  setting{"maxmemory-policy",
          [](const server_state& x) {
            return std::string{policy_name(x.live.eviction)};
          },
          set_policy},
  setting{"namespaces",
          [](const server_state& x) { return text_of(present_namespaces(x)); },
          set_namespaces},
  setting{"port",
          [](const server_state& x) {
            return std::to_string(x.options.plain ? x.options.port : 0);
          }},
  setting{"proto-max-bulk-len",
          [](const server_state& x) {
            return std::to_string(x.options.limits.bulk);
          }},
  setting{"requirepass",
          [](const server_state& x) { return x.access.password(); },
          set_password},
  setting{"save", fixed<nothing>},
  setting{"timeout",
          [](const server_state& x) {
            return std::to_string(x.live.idle_timeout.load().count());
          },
          set_timeout},
  setting{"tls-auth-clients",
          [](const server_state& x) {
            return std::string{to_string(x.options.tls.auth_clients)};
          }},
  setting{"tls-ca-cert-file", tls_text<&tls_options::ca_cert_file>,
          set_tls_file<&tls_options::ca_cert_file>},
  setting{"tls-cert-file", tls_text<&tls_options::cert_file>,
          set_tls_file<&tls_options::cert_file>},
  setting{"tls-ciphers", tls_text<&tls_options::ciphers>},
  setting{"tls-ciphersuites", tls_text<&tls_options::ciphersuites>},
  setting{"tls-key-file", tls_text<&tls_options::key_file>,
          set_tls_file<&tls_options::key_file>},
  setting{"tls-port",
          [](const server_state& x) {
            return std::to_string(x.options.tls.port.value_or(0));
          }},
  setting{"tls-protocols", tls_text<&tls_options::protocols>},
  setting{"unixsocket",
          [](const server_state& x) { return x.options.unix_socket; }},
  setting{"unixsocketperm",
          [](const server_state& x) {
            return octal_text(x.options.unix_socket_mode);
          }},
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

// What is refused, and why.
using named_refusal = std::pair<bytes_view, std::string>;

std::optional<named_refusal> run_all(change& all,
                                     const std::vector<const setting*>& chosen,
                                     arguments words) {
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
          arguments words) {
  // What is checked still holds when it is applied: no other CONFIG SET and no new
  // database comes in between.
  const auto lock = server.databases.keep_as_they_are();
  if (!lock)
    return named_refusal{words[0],
                         "other settings are being changed; try again"};
  change all{server};
  if (auto refused = run_all(all, chosen, words))
    return refused;
  std::shared_ptr<const tls_context> context;
  if (all.tls) {
    auto loaded = tls_context::load(*all.tls);
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
