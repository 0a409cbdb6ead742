#include "apps/server/server_settings.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include <caf/config_value.hpp>
#include <caf/timespan.hpp>

#include <troupe/messages/types/text/memory_size.hpp>

#include "apps/net/bind_addresses.hpp"
#include "apps/settings/max_memory.hpp"
#include "apps/settings/namespaces.hpp"

namespace troupe::server {

namespace {

constexpr std::size_t most_threads = 1024;
constexpr std::size_t most_connections = 4'294'967'295;
// Of CONFIG SET, so that what it took can be read from the file again.
constexpr std::chrono::seconds most_seconds{2'147'483'647};
constexpr std::size_t most_databases = 1024;
// As Redis; an inline command must fit.
constexpr std::size_t least_query_buffer_limit = 1024 * 1024;
// COMMAND and INFO must fit.
constexpr std::size_t least_max_reply = 1024 * 1024;
constexpr std::int64_t most_port = 65'535;
constexpr std::size_t most_bytes = std::size_t{1} << 40;

template <class T>
expected<void> check_range(std::string_view option, T value, T least, T most) {
  if (value >= least && value <= most)
    return {};
  std::string text = "--";
  text.append(option).append("=").append(std::to_string(value));
  return fail(errc::invalid_argument, text + " is out of range; allowed is "
                                        + std::to_string(least) + " to "
                                        + std::to_string(most));
}

std::string inherited(const char* name) {
  const auto* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

expected<void> check_memory(const option_values& from) {
  const auto limit = parse_memory_size(from.max_memory);
  if (!limit || (*limit != 0 && *limit < settings::least_max_memory))
    return fail(errc::invalid_argument,
                "--maxmemory=" + from.max_memory
                  + " makes no sense; allowed is 0, or 64kb and more, as 100mb "
                    "or 2gb");
  if (!parse_memory_size(from.max_client_memory))
    return fail(errc::invalid_argument,
                "--maxmemory-clients=" + from.max_client_memory
                  + " makes no sense; allowed is a size as 100mb or 2gb, or 0");
  if (!settings::policy_of(from.max_memory_policy))
    return fail(errc::invalid_argument,
                "--maxmemory-policy=" + from.max_memory_policy
                  + " is unknown; there are " + settings::policy_names());
  return {};
}

expected<std::vector<namespace_options>>
namespaces_of(const option_values& from) {
  const auto named = [](const error& why) {
    return error{why.code(), "--namespaces: " + why.text()};
  };
  auto result = settings::parse_namespaces(from.namespaces);
  if (!result)
    return tl::unexpected{named(result.error())};
  if (auto ok = check(*result, from.max_key_size); !ok)
    return tl::unexpected{named(ok.error())};
  return result;
}

expected<net::tls_options> tls_of(const option_values& from) {
  auto result = from.tls;
  if (from.tls_port >= 0)
    result.port = static_cast<std::uint16_t>(from.tls_port);
  if (result.key_file_pass.empty())
    result.key_file_pass = inherited("TROUPE_TLS_KEY_FILE_PASS");
  result.handshake_timeout
    = std::chrono::ceil<std::chrono::milliseconds>(from.tls_handshake_timeout);
  return net::parse_client_certificates(from.tls_auth_clients)
    .and_then([&](net::client_certificates x) {
      result.auth_clients = x;
      return check(result);
    })
    .map([&] { return std::move(result); });
}

expected<mode_t> unix_socket_mode_of(const option_values& from) {
  constexpr mode_t most = 0777;
  mode_t result = 0;
  const auto* const end
    = from.unix_socket_mode.data() + from.unix_socket_mode.size();
  const auto [stop, code]
    = std::from_chars(from.unix_socket_mode.data(), end, result, 8);
  if (code != std::errc{} || stop != end || result > most)
    return fail(errc::invalid_argument,
                "--unixsocketperm=" + from.unix_socket_mode
                  + " makes no sense; allowed is 0 to 777, octal");
  return result;
}

region_options region_of(const option_values& from) {
  using std::chrono::ceil;
  region_options result;
  result.ttl = from.ttl.count() == 0 ? no_expiry : ceil<ttl_duration>(from.ttl);
  result.idle
    = from.idle.count() == 0 ? no_expiry : ceil<ttl_duration>(from.idle);
  result.jitter = from.jitter;
  result.shards = from.shards;
  result.max_key_size = from.max_key_size;
  result.max_value_size = from.max_value_size;
  return result;
}

// The command line of a process can be read by every user of the machine.
std::string password_of(const option_values& from) {
  return from.password.empty() ? inherited("TROUPE_PASSWORD") : from.password;
}

expected<console_settings> console_of(const option_values& from) {
  console_settings result;
  result.is_open = !from.no_console;
  result.socket = from.console_socket;
  if (from.no_console || from.console_port < 0)
    return result;
  result.port = static_cast<std::uint16_t>(from.console_port);
  result.password = from.console_password.empty()
                      ? inherited("TROUPE_CONSOLE_PASSWORD")
                      : from.console_password;
  if (result.password.empty())
    return fail(
      errc::invalid_argument,
      "--console-port=" + std::to_string(from.console_port)
        + " without a password would let every user of the machine "
          "end the server; put one into TROUPE_CONSOLE_PASSWORD or "
          "into console-password in the configuration file, or leave "
          "--console-port out: troupe-console then uses a Unix socket");
  return result;
}

expected<void> check_ranges(const option_values& from) {
  using std::chrono::hours;
  constexpr caf::timespan second = std::chrono::seconds{1};
  constexpr caf::timespan millisecond = std::chrono::milliseconds{1};
  for (const auto& [option, value, unit] :
       {std::tuple{"timeout", from.timeout, second},
        std::tuple{"pubsub-soft-time", from.pubsub_soft_time, second},
        std::tuple{"drain-timeout", from.drain_timeout, millisecond},
        std::tuple{"ttl", from.ttl, millisecond},
        std::tuple{"idle", from.idle, millisecond},
        std::tuple{"tls-handshake-timeout", from.tls_handshake_timeout,
                   millisecond}})
    if (value % unit != caf::timespan{0})
      return fail(errc::invalid_argument,
                  std::string{"--"} + option + "="
                    + to_string(caf::config_value{value})
                    + " is too fine; allowed are whole "
                    + (unit == second ? "seconds" : "milliseconds"));
  if (from.drain_timeout.count() < 0 || from.drain_timeout > hours{24})
    return fail(errc::invalid_argument,
                "--drain-timeout is out of range; allowed is 0s to 24h");
  if (from.timeout.count() < 0 || from.timeout > most_seconds)
    return fail(errc::invalid_argument,
                "--timeout is out of range; allowed is 0s to 2147483647s");
  if (from.pubsub_soft_time.count() < 0 || from.pubsub_soft_time > most_seconds)
    return fail(errc::invalid_argument, "--pubsub-soft-time is out of range; "
                                        "allowed is 0s to 2147483647s");
  if (from.ttl.count() < 0 || from.ttl > max_ttl)
    return fail(errc::invalid_argument,
                "--ttl is out of range; allowed is 0s to 100 years");
  if (from.idle.count() < 0 || from.idle > max_ttl)
    return fail(errc::invalid_argument,
                "--idle is out of range; allowed is 0s to 100 years");
  if (from.tls_handshake_timeout < std::chrono::milliseconds{1}
      || from.tls_handshake_timeout > hours{1})
    return fail(
      errc::invalid_argument,
      "--tls-handshake-timeout is out of range; allowed is 1ms to 1h");
  return check_range<std::size_t>("threads", from.threads, 0, most_threads)
    .and_then([&] {
      return check_range<std::size_t>("max-connections", from.max_connections,
                                      1, most_connections);
    })
    .and_then([&] {
      return check_range<std::size_t>("max-key-size", from.max_key_size, 1,
                                      troupe::defaults::largest_key_size);
    })
    .and_then([&] {
      return check_range<std::size_t>("max-value-size", from.max_value_size, 1,
                                      resp::parser_limits{}.bulk);
    })
    .and_then([&] {
      return check_range<std::size_t>("client-query-buffer-limit",
                                      from.query_buffer_limit,
                                      least_query_buffer_limit, most_bytes);
    })
    .and_then([&] {
      return check_range<std::size_t>("max-reply", from.max_reply,
                                      least_max_reply, most_bytes);
    })
    .and_then([&] {
      return check_range<std::size_t>("databases", from.databases, 1,
                                      most_databases);
    })
    .and_then([&] {
      return check_range<std::size_t>("pubsub-buffer", from.pubsub_buffer, 1,
                                      most_bytes);
    })
    .and_then([&] {
      return check_range<std::int64_t>("tls-port", from.tls_port, -1,
                                       most_port);
    })
    .and_then([&] {
      return check_range<std::int64_t>("console-port", from.console_port, -1,
                                       most_port);
    })
    .and_then([&]() -> expected<void> {
      if (from.no_plain && from.tls_port < 0 && from.unix_socket.empty())
        return fail(errc::invalid_argument,
                    "--no-plain leaves no port to listen on; set --tls-port=N "
                    "or --unixsocket=PATH");
      return unix_socket_mode_of(from).map([](mode_t) {});
    })
    .and_then([&] {
      return check_range<std::size_t>("pubsub-soft-buffer",
                                      from.pubsub_soft_buffer, 0, most_bytes);
    })
    .and_then([&] { return check_memory(from); })
    .and_then([&] { return check(region_of(from)); });
}

} // namespace

expected<server_settings> settings_from(const option_values& from) {
  if (auto ok = check_ranges(from); !ok)
    return tl::unexpected{std::move(ok.error())};
  auto with_tls = tls_of(from);
  if (!with_tls)
    return tl::unexpected{std::move(with_tls.error())};
  server_settings result;
  result.serve.tls = std::move(*with_tls);
  result.serve.plain = !from.no_plain;
  result.serve.port = from.port;
  auto addresses = net::parse_bind(from.bind);
  if (!addresses)
    return tl::unexpected{std::move(addresses.error())};
  result.serve.bind = text_of(*addresses);
  result.serve.unix_socket = from.unix_socket;
  result.serve.unix_socket_mode = *unix_socket_mode_of(from);
  result.serve.threads
    = from.threads != 0
        ? from.threads
        : defaults::threads(std::thread::hardware_concurrency());
  result.serve.max_connections = from.max_connections;
  result.serve.idle_timeout
    = std::chrono::ceil<std::chrono::seconds>(from.timeout);
  result.serve.limits.command = from.query_buffer_limit;
  result.serve.max_reply = from.max_reply;
  result.serve.max_client_memory = *parse_memory_size(from.max_client_memory);
  result.serve.databases = from.databases;
  result.serve.password = password_of(from);
  result.serve.pubsub.bytes = from.pubsub_buffer;
  result.serve.pubsub.soft_bytes = from.pubsub_soft_buffer;
  result.serve.pubsub.soft_time
    = std::chrono::ceil<std::chrono::seconds>(from.pubsub_soft_time);
  if (auto ok
      = net::check_bind(from.bind, !result.serve.password.empty()
                                     || result.serve.wants_certificates());
      (result.serve.plain || result.serve.tls.port) && !ok)
    return tl::unexpected{std::move(ok.error())};
  result.max_memory = *parse_memory_size(from.max_memory);
  result.serve.eviction = *settings::policy_of(from.max_memory_policy);
  if (auto note = settings::substitute_note(from.max_memory_policy);
      !note.empty())
    result.notes.push_back("--maxmemory-policy: " + note);
  auto spaces = namespaces_of(from);
  if (!spaces)
    return tl::unexpected{std::move(spaces.error())};
  result.serve.namespaces = std::move(*spaces);
  for (const auto& note : settings::namespace_notes(from.namespaces))
    result.notes.push_back("--namespaces: " + note);
  result.region = region_of(from);
  result.region.eviction = result.serve.eviction;
  auto for_console = console_of(from);
  if (!for_console)
    return tl::unexpected{std::move(for_console.error())};
  result.console = std::move(*for_console);
  result.drain_timeout
    = std::chrono::ceil<std::chrono::milliseconds>(from.drain_timeout);
  return result;
}

} // namespace troupe::server
