#include "apps/server/state/settings_file.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>

#include "apps/server/state/namespaces.hpp"
#include "apps/server/state/server_state.hpp"
#include "apps/settings/max_memory.hpp"
#include "apps/settings/namespaces.hpp"

namespace troupe::server {

namespace {

/// How long CONFIG REWRITE waits for that of another server with the same file.
constexpr std::chrono::seconds patience{2};

/// The most that the option takes.
constexpr std::size_t most_bytes = std::size_t{1} << 40;

} // namespace

settings::ini_values settings_of(const server_state& server) {
  using settings::ini_quoted;
  const auto pubsub = server.live.pubsub.get();
  const auto number = [](auto x) { return std::to_string(x); };
  settings::ini_values result{
    {"max-connections", number(server.live.max_connections.load())},
    {"maxmemory", ini_quoted(number(server.options.memory.present()))},
    {"maxmemory-clients",
     ini_quoted(number(server.live.max_client_memory.load()))},
    {"maxmemory-policy",
     ini_quoted(std::string{settings::policy_name(server.live.eviction)})},
    {"password", ini_quoted(server.access.password())},
    {"pubsub-buffer", number(pubsub.bytes)},
    {"pubsub-soft-buffer", number(std::min(pubsub.soft_bytes, most_bytes))},
    {"pubsub-soft-time", number(pubsub.soft_time.count()) + "s"},
    {"timeout", number(server.live.idle_timeout.load().count()) + "s"},
  };
  if (const auto spaces = present_namespaces(server); !spaces.empty())
    result.emplace(std::find_if(result.begin(), result.end(),
                                [](auto& x) { return x.first > "namespaces"; }),
                   "namespaces", ini_quoted(settings::text_of(spaces)));
  if (server.tls.context() != nullptr) {
    const auto files = server.tls.options();
    result.emplace_back("tls-ca-cert-file", ini_quoted(files.ca_cert_file));
    result.emplace_back("tls-cert-file", ini_quoted(files.cert_file));
    result.emplace_back("tls-key-file", ini_quoted(files.key_file));
  }
  return result;
}

expected<void> rewrite_settings(const server_state& server) {
  const auto& path = server.options.config_file;
  if (path.empty())
    return fail(errc::invalid_argument);
  static std::mutex one_at_a_time;
  std::lock_guard lock{one_at_a_time};
  // Other servers may have the same file.
  const auto locked = settings::lock_file(path, patience);
  if (!locked)
    return tl::unexpected{locked.error()};
  auto text = settings::read_file(path);
  if (!text)
    return tl::unexpected{std::move(text.error())};
  const auto now = settings_of(server);
  settings::ini_values changed;
  std::set_difference(now.begin(), now.end(), server.at_start.begin(),
                      server.at_start.end(), std::back_inserter(changed));
  const auto sure = settings::replace_file(
    path, settings::with_values(*text, "server", now, changed));
  if (!sure)
    return tl::unexpected{sure.error()};
  if (!*sure && server.options.report)
    server.options.report(
      "rewrote " + path
      + ", but the system did not confirm that it is on the "
        "disk: a power failure may bring back the old one");
  return {};
}

} // namespace troupe::server
