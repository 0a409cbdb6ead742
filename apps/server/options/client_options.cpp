// Options of clients: passwords, connections, and the memory that clients may use.

#include <algorithm>
#include <limits>
#include <string>

#include <sys/resource.h>

#include <troupe/messages/types/text/memory_size.hpp>

#include "apps/net/bind_addresses.hpp"
#include "apps/server/options/option_families.hpp"
#include "apps/server/state/defaults.hpp"

namespace troupe::server {

namespace {

using settings::most_number;
using settings::value;
using settings::value_kind;

// Redis's minimum. An inline command must fit.
constexpr std::int64_t least_query_buffer_limit = 1024 * 1024;
// The replies of COMMAND and INFO must fit.
constexpr std::int64_t least_max_reply = 1024 * 1024;

std::string set_max_clients(setting_change& all, const value& x) {
  const auto wanted = static_cast<std::size_t>(std::get<std::int64_t>(x));
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

std::string set_timeout(setting_change& all, const value& x) {
  if (all.apply)
    all.server.live.idle_timeout
      = std::chrono::duration_cast<std::chrono::seconds>(
        std::get<std::chrono::milliseconds>(x));
  return {};
}

std::string set_password(setting_change& all, const value& x) {
  const auto& options = all.server.options;
  const auto& text = std::get<std::string>(x);
  if (text.empty() && !net::is_loopback(options.bind)
      && !options.wants_certificates())
    return "password cannot be empty: other machines can reach this server "
           "(bind); set a password or use client certificates";
  if (all.apply)
    all.server.access.password(text);
  return {};
}

std::string set_max_client_memory(setting_change& all, const value& x) {
  if (all.apply)
    all.server.live.max_client_memory
      = static_cast<std::size_t>(std::get<std::int64_t>(x));
  return {};
}

} // namespace

std::vector<server_option> client_options() {
  return under(
    "Clients",
    {
      {{.name = "password",
        .alias = "requirepass",
        .kind = value_kind::text("TEXT"),
        .help = "password of the clients; set it in the configuration file or "
                "in TROUPE_PASSWORD",
        .details = "Every user of the machine can read a command line",
        .secret = true},
       into([](server_settings & x) -> auto& { return x.serve.password; }),
       [](const server_state& x) { return x.access.password(); },
       set_password},
      {{.name = "max-connections",
        .alias = "maxclients",
        .kind
        = value_kind::number(1, std::numeric_limits<std::uint32_t>::max()),
        .preset = std::to_string(defaults::max_connections),
        .help = "most connections at a time; further connections are refused"},
       into(
         [](server_settings & x) -> auto& { return x.serve.max_connections; }),
       [](const server_state& x) {
         return std::to_string(x.live.max_connections);
       },
       set_max_clients},
      {{.name = "timeout",
        .kind = value_kind::seconds(std::chrono::seconds{0},
                                    defaults::most_client_seconds),
        .preset = "0",
        .help = "a client without a command for this time is disconnected; 0: "
                "never",
        .details = "Also applies to a client that takes none of its replies"},
       into([](server_settings & x) -> auto& { return x.serve.idle_timeout; }),
       [](const server_state& x) {
         return std::to_string(x.live.idle_timeout.load().count());
       },
       set_timeout},
      {{.name = "client-query-buffer-limit",
        .kind = value_kind::size(least_query_buffer_limit,
                                 defaults::most_client_bytes),
        .preset = memory_size_text(resp::defaults::max_command),
        .help = "largest size of one command with all its arguments, and of "
                "all commands between MULTI and EXEC",
        .details = "Also limits what a client may send before it takes its "
                   "replies. See [limits](commands.md#limits)"},
       into(
         [](server_settings & x) -> auto& { return x.serve.limits.command; }),
       [](const server_state& x) {
         return std::to_string(x.options.limits.command);
       }},
      {{.name = "maxmemory-clients",
        .kind = value_kind::size(0, most_number),
        .preset = memory_size_text(defaults::max_client_memory),
        .help = "memory that all clients together may take for transactions, "
                "watched keys, subscriptions, commands that were not executed "
                "yet and replies that were not read yet; 0: no limit",
        .details = "Above the limit, a client that needs more memory than its "
                   "[fair share](commands.md#limits) is disconnected, and INFO "
                   "counts it"},
       into([](server_settings & x) -> auto& {
         return x.serve.max_client_memory;
       }),
       [](const server_state& x) {
         return std::to_string(x.live.max_client_memory.load());
       },
       set_max_client_memory},
      {{.name = "max-reply",
        .kind = value_kind::size(least_max_reply, defaults::most_client_bytes),
        .preset = memory_size_text(resp::defaults::max_reply),
        .help = "largest size of a reply, except a reply of a single value"},
       into([](server_settings & x) -> auto& { return x.serve.max_reply; })},
    });
}

} // namespace troupe::server
