#include "apps/server/commands/config_settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>
#include <vector>

#include <sys/resource.h>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/messages/types/text/integer.hpp>
#include <troupe/messages/types/text/memory_size.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/net/bind_addresses.hpp"
#include "apps/net/tls_context.hpp"
#include "apps/server/state/defaults.hpp"
#include "apps/server/state/namespaces.hpp"
#include "apps/settings/max_memory.hpp"
#include "apps/settings/namespaces.hpp"
#include "apps/settings/output_limits.hpp"

namespace troupe::server {

namespace {

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

std::string set_timeout(setting_change& all, bytes_view text) {
  auto refusal = check_range(text, 0, std::numeric_limits<int>::max());
  if (refusal.empty() && all.apply)
    all.server.live.idle_timeout = std::chrono::seconds{*parse_integer(text)};
  return refusal;
}

std::string set_max_clients(setting_change& all, bytes_view text) {
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

std::string set_password(setting_change& all, bytes_view text) {
  const auto& options = all.server.options;
  if (text.empty() && !net::is_loopback(options.bind)
      && !options.wants_certificates())
    return "other machines reach this server, which must have a password then";
  if (all.apply)
    all.server.access.password(std::string{text});
  return {};
}

// Certificate and key belong together, so they are looked at when all is named.
template <std::string net::tls_options::*File>
std::string set_tls_file(setting_change& all, bytes_view text) {
  if (all.apply)
    return {};
  if (all.server.tls.context() == nullptr)
    return "TLS is off; start the server with --tls-port=N";
  if (!all.tls)
    all.tls = all.server.tls.options();
  (*all.tls).*File = text;
  return {};
}

template <std::string net::tls_options::*Text>
std::string tls_text(const server_state& x) {
  return (x.tls.context() != nullptr ? x.tls.options() : x.options.tls).*Text;
}

std::string set_max_memory(setting_change& all, bytes_view text) {
  const auto limit = parse_memory_size(text);
  if (!limit)
    return "argument must be a memory value";
  if (*limit != 0 && *limit < settings::least_max_memory)
    return "argument must be 0, or 64kb and more";
  const auto& memory = all.server.options.memory;
  if (!memory.set_limit)
    return "the memory of this server has no limit that could be set";
  const auto changed
    = all.apply ? memory.set_limit(*limit) : memory.check_limit(*limit);
  return changed ? std::string{} : changed.error().text();
}

std::string set_max_client_memory(setting_change& all, bytes_view text) {
  const auto limit = parse_memory_size(text);
  if (!limit)
    return "argument must be a memory value";
  if (all.apply)
    all.server.live.max_client_memory = *limit;
  return {};
}

/// Says what is used instead of what was asked for; empty notes say nothing.
void report_notes(const setting_change& all, const std::string& name,
                  const std::vector<std::string>& notes) {
  for (const auto& note : notes)
    if (!note.empty() && all.server.options.report)
      all.server.options.report(name + ": " + note);
}

std::string set_policy(setting_change& all, bytes_view text) {
  const auto policy = settings::policy_of(text);
  if (!policy)
    return "argument must be one of the following: " + settings::policy_names();
  if (!all.apply)
    return {};
  report_notes(all, "maxmemory-policy", {settings::substitute_note(text)});
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

std::string set_namespaces(setting_change& all, bytes_view text) {
  const auto wanted = settings::parse_namespaces(text);
  if (!wanted)
    return wanted.error().text();
  auto& db = all.server.databases[0];
  const auto done = all.apply ? change_namespaces(db, *wanted)
                              : check_namespaces(db, *wanted);
  if (done && all.apply)
    report_notes(all, "namespaces", settings::namespace_notes(text));
  return done ? std::string{} : done.error().text();
}

std::string set_output_limits(setting_change& all, bytes_view text) {
  auto& server = all.server;
  auto limits = server.live.output();
  auto refusal = settings::read_limits(text, limits);
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

constexpr std::array rows{
  setting{"appendonly", fixed<no>},
  setting{"bind", [](const server_state& x) { return x.options.bind; }},
  setting{
    "client-output-buffer-limit",
    [](const server_state& x) { return settings::text_of(x.live.output()); },
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
            return std::string{settings::policy_name(x.live.eviction)};
          },
          set_policy},
  setting{"namespaces",
          [](const server_state& x) {
            return settings::text_of(present_namespaces(x));
          },
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
  setting{"tls-ca-cert-file", tls_text<&net::tls_options::ca_cert_file>,
          set_tls_file<&net::tls_options::ca_cert_file>},
  setting{"tls-cert-file", tls_text<&net::tls_options::cert_file>,
          set_tls_file<&net::tls_options::cert_file>},
  setting{"tls-ciphers", tls_text<&net::tls_options::ciphers>},
  setting{"tls-ciphersuites", tls_text<&net::tls_options::ciphersuites>},
  setting{"tls-key-file", tls_text<&net::tls_options::key_file>,
          set_tls_file<&net::tls_options::key_file>},
  setting{"tls-port",
          [](const server_state& x) {
            return std::to_string(x.options.tls.port.value_or(0));
          }},
  setting{"tls-protocols", tls_text<&net::tls_options::protocols>},
  setting{"unixsocket",
          [](const server_state& x) { return x.options.unix_socket; }},
  setting{"unixsocketperm",
          [](const server_state& x) {
            return octal_text(x.options.unix_socket_mode);
          }},
};

} // namespace

std::span<const setting> all_settings() noexcept {
  return rows;
}

const setting* find_setting(bytes_view name) noexcept {
  const auto found
    = std::find_if(rows.begin(), rows.end(), [name](const setting& x) {
        return same_word(name, x.name);
      });
  return found == rows.end() ? nullptr : &*found;
}

} // namespace troupe::server
