#include "apps/server/server_config.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>

#include <caf/config_option_adder.hpp>
#include <caf/settings.hpp>

#include "apps/net/bind_addresses.hpp"
#include <troupe/messages/types/text/memory_size.hpp>
#include "apps/server/namespaces.hpp"

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

} // namespace

// The question mark lets the command line omit the group's name.
server_config::server_config() {
  opt_group{custom_options_, "?server"}
    .add(version_, "version,v", "print the version and exit")
    .add(port_, "port,p",
         "TCP port for Redis clients, 0 for any free one (default: 6380)")
    .add(no_plain_, "no-plain", "do not listen without TLS")
    .add(tls_port_, "tls-port",
         "TCP port for clients that speak TLS, 0 for any free one, -1 for none "
         "(default: -1)")
    .add(tls_.cert_file, "tls-cert-file",
         "file with the server's certificate and those above it (PEM)")
    .add(tls_.key_file, "tls-key-file",
         "file with the private key of the certificate (PEM)")
    .add(tls_.key_file_pass, "tls-key-file-pass",
         "password of that key; better put it in the configuration file or the "
         "environment variable TROUPE_TLS_KEY_FILE_PASS (default: none)")
    .add(tls_.ca_cert_file, "tls-ca-cert-file",
         "file with the authorities that vouch for clients (PEM)")
    .add(tls_auth_clients_, "tls-auth-clients",
         "whether clients show a certificate: yes, no, or optional "
         "(default: yes)")
    .add(tls_.protocols, "tls-protocols",
         "versions that are spoken (default: TLSv1.2 TLSv1.3)")
    .add(tls_.ciphers, "tls-ciphers",
         "ciphers of TLS 1.2, as OpenSSL lists them (default: its own)")
    .add(tls_.ciphersuites, "tls-ciphersuites",
         "ciphers of TLS 1.3, as OpenSSL lists them (default: its own)")
    .add(tls_handshake_timeout_, "tls-handshake-timeout",
         "how long a client may take for the handshake (default: 10s)")
    .add(bind_, "bind",
         "addresses to listen on, blanks in between, as '127.0.0.1 -::1', of "
         "which one with - may be missing; others than this machine's own need "
         "a password (default: 127.0.0.1)")
    .add(unix_socket_, "unixsocket",
         "path of a Unix socket to listen on, too (default: none)")
    .add(unix_socket_mode_, "unixsocketperm",
         "permissions of that file, octal as 770, 0 for what the umask says "
         "(default: 0)")
    .add(password_, "password",
         "password of the clients; better put it in the configuration file or "
         "the environment variable TROUPE_PASSWORD (default: none)")
    .add(threads_, "threads",
         "threads that serve connections, 0 for one per core but one "
         "(default: 0)")
    .add(max_connections_, "max-connections",
         "connections at a time, more are refused (default: 10000)")
    .add(timeout_, "timeout",
         "how long a client may be silent before it is disconnected, in whole "
         "seconds, 0s for ever (default: 0s)")
    .add(query_buffer_limit_, "client-query-buffer-limit",
         "bytes of one command with all its arguments, and of the commands "
         "between MULTI and EXEC (default: 1073741824)")
    .add(
      max_client_memory_, "maxmemory-clients",
      "what all clients together may keep in transactions, watched keys and "
      "subscriptions, in commands that were not executed and in replies that "
      "they do not take, as 100mb or 2gb, 0 for no limit (default: 1gb)")
    .add(max_reply_, "max-reply",
         "bytes of one reply, unless it is a single value (default: 67108864)")
    .add(
      console_socket_, "console-socket",
      "Unix socket for troupe-console, for this user and root only (default: "
      "PORT.sock, without a port pid-N.sock, in troupe in $XDG_RUNTIME_DIR, or "
      "in /tmp/troupe-UID)")
    .add(console_port_, "console-port",
         "TCP port for troupe-console, which needs a console-password, 0 for "
         "any free one, -1 for none (default: -1)")
    .add(
      console_password_, "console-password",
      "password of that port; better put it in the configuration file or the "
      "environment variable TROUPE_CONSOLE_PASSWORD (default: none)")
    .add(no_console_, "no-console", "do not listen for troupe-console")
    .add(drain_timeout_, "drain-timeout",
         "how long a stop waits for clients and loads (default: 10s)")
    .add(databases_, "databases",
         "databases that SELECT knows, 1 to 1024 (default: 16)")
    .add(max_memory_, "maxmemory",
         "what all keys and values may take, as 100mb or 2gb, 0 for no limit; "
         "at least 64kb (default: 0)")
    .add(
      max_memory_policy_, "maxmemory-policy",
      "which keys go when that is reached: allkeys-s3fifo, allkeys-clock, or "
      "noeviction, which refuses writes; Redis's other names stand for the "
      "nearest of these (default: allkeys-s3fifo)")
    .add(
      namespaces_, "namespaces",
      "prefixes of database 0 with limits of their own, blanks in between, as "
      "'session:=64mb,noeviction img:=1gb'; the policy is maxmemory-policy "
      "where none is named (default: none)")
    .add(shards_, "shards",
         "shards of a database, a power of two up to 256, 0 for 16 per core "
         "(default: 0)")
    .add(ttl_, "ttl",
         "time to live of keys written without one, 0s for ever (default: 0s)")
    .add(
      idle_, "idle",
      "time after which keys expire that nobody read or wrote, their TTL being "
      "the latest end, 0s for never (default: 0s)")
    .add(jitter_, "jitter",
         "share of the ttl, 0 to below 1, by which keys may expire early "
         "(default: 0)")
    .add(pubsub_buffer_, "pubsub-buffer",
         "bytes of messages that may wait for a subscriber before it is cut "
         "off, up to 1099511627776 (default: 33554432)")
    .add(pubsub_soft_buffer_, "pubsub-soft-buffer",
         "bytes of messages that may wait for a subscriber for less than "
         "pubsub-soft-time, 0 for no such limit (default: 8388608)")
    .add(pubsub_soft_time_, "pubsub-soft-time",
         "see pubsub-soft-buffer, in whole seconds (default: 60s)")
    .add(max_key_size_, "max-key-size",
         "largest key in bytes, up to 2097152 (default: 65536)")
    .add(max_value_size_, "max-value-size",
         "largest value in bytes, up to 536870912 (default: 536870912)");
}

expected<void> server_config::parse(int argc, char** argv) {
  return config::parse(argc, argv).and_then([this] { return check_names(); });
}

expected<void> server_config::parse(std::vector<std::string> args,
                                    std::istream& file) {
  return config::parse(std::move(args), file).and_then([this] {
    return check_names();
  });
}

// `config::parse` has refused unknown options already.
expected<void> server_config::check_names() const {
  if (remainder.empty())
    return {};
  return fail(errc::invalid_argument, "unexpected argument " + remainder.front()
                                        + "; options read --name=value");
}

expected<void> server_config::check_memory() const {
  const auto limit = parse_memory_size(max_memory_);
  if (!limit || (*limit != 0 && *limit < least_max_memory))
    return fail(errc::invalid_argument,
                "--maxmemory=" + max_memory_
                  + " makes no sense; allowed is 0, or 64kb and more, as 100mb "
                    "or 2gb");
  if (!parse_memory_size(max_client_memory_))
    return fail(errc::invalid_argument,
                "--maxmemory-clients=" + max_client_memory_
                  + " makes no sense; allowed is a size as 100mb or 2gb, or 0");
  if (!policy_of(max_memory_policy_))
    return fail(errc::invalid_argument,
                "--maxmemory-policy=" + max_memory_policy_
                  + " is unknown; there are " + policy_names());
  return {};
}

expected<std::vector<namespace_options>> server_config::namespaces() const {
  const auto named = [](const error& why) {
    return error{why.code(), "--namespaces: " + why.text()};
  };
  auto result = parse_namespaces(namespaces_);
  if (!result)
    return tl::unexpected{named(result.error())};
  if (auto ok = check(*result, max_key_size_); !ok)
    return tl::unexpected{named(ok.error())};
  return result;
}

expected<void> server_config::check_ranges() const {
  using std::chrono::hours;
  constexpr caf::timespan second = std::chrono::seconds{1};
  constexpr caf::timespan millisecond = std::chrono::milliseconds{1};
  for (const auto& [option, value, unit] :
       {std::tuple{"timeout", timeout_, second},
        std::tuple{"pubsub-soft-time", pubsub_soft_time_, second},
        std::tuple{"drain-timeout", drain_timeout_, millisecond},
        std::tuple{"ttl", ttl_, millisecond},
        std::tuple{"idle", idle_, millisecond},
        std::tuple{"tls-handshake-timeout", tls_handshake_timeout_,
                   millisecond}})
    if (value % unit != caf::timespan{0})
      return fail(errc::invalid_argument,
                  std::string{"--"} + option + "="
                    + to_string(caf::config_value{value})
                    + " is too fine; allowed are whole "
                    + (unit == second ? "seconds" : "milliseconds"));
  if (drain_timeout_.count() < 0 || drain_timeout_ > hours{24})
    return fail(errc::invalid_argument,
                "--drain-timeout is out of range; allowed is 0s to 24h");
  if (timeout_.count() < 0 || timeout_ > most_seconds)
    return fail(errc::invalid_argument,
                "--timeout is out of range; allowed is 0s to 2147483647s");
  if (pubsub_soft_time_.count() < 0 || pubsub_soft_time_ > most_seconds)
    return fail(errc::invalid_argument, "--pubsub-soft-time is out of range; "
                                        "allowed is 0s to 2147483647s");
  if (ttl_.count() < 0 || ttl_ > max_ttl)
    return fail(errc::invalid_argument,
                "--ttl is out of range; allowed is 0s to 100 years");
  if (idle_.count() < 0 || idle_ > max_ttl)
    return fail(errc::invalid_argument,
                "--idle is out of range; allowed is 0s to 100 years");
  if (tls_handshake_timeout_ < std::chrono::milliseconds{1}
      || tls_handshake_timeout_ > hours{1})
    return fail(
      errc::invalid_argument,
      "--tls-handshake-timeout is out of range; allowed is 1ms to 1h");
  return check_range<std::size_t>("threads", threads_, 0, most_threads)
    .and_then([this] {
      return check_range<std::size_t>("max-connections", max_connections_, 1,
                                      most_connections);
    })
    .and_then([this] {
      return check_range<std::size_t>("max-key-size", max_key_size_, 1,
                                      troupe::defaults::largest_key_size);
    })
    .and_then([this] {
      return check_range<std::size_t>("max-value-size", max_value_size_, 1,
                                      parser_limits{}.bulk);
    })
    .and_then([this] {
      return check_range<std::size_t>("client-query-buffer-limit",
                                      query_buffer_limit_,
                                      least_query_buffer_limit, most_bytes);
    })
    .and_then([this] {
      return check_range<std::size_t>("max-reply", max_reply_, least_max_reply,
                                      most_bytes);
    })
    .and_then([this] {
      return check_range<std::size_t>("databases", databases_, 1,
                                      most_databases);
    })
    .and_then([this] {
      return check_range<std::size_t>("pubsub-buffer", pubsub_buffer_, 1,
                                      most_bytes);
    })
    .and_then([this] {
      return check_range<std::int64_t>("tls-port", tls_port_, -1, most_port);
    })
    .and_then([this] {
      return check_range<std::int64_t>("console-port", console_port_, -1,
                                       most_port);
    })
    .and_then([this]() -> expected<void> {
      if (no_plain_ && tls_port_ < 0 && unix_socket_.empty())
        return fail(errc::invalid_argument,
                    "--no-plain leaves no port to listen on; set --tls-port=N "
                    "or --unixsocket=PATH");
      return unix_socket_mode().map([](mode_t) {});
    })
    .and_then([this] {
      return check_range<std::size_t>("pubsub-soft-buffer", pubsub_soft_buffer_,
                                      0, most_bytes);
    })
    .and_then([this] { return check_memory(); })
    .and_then([this] { return check(region()); });
}

expected<tls_options> server_config::tls() const {
  auto result = tls_;
  if (tls_port_ >= 0)
    result.port = static_cast<std::uint16_t>(tls_port_);
  if (result.key_file_pass.empty())
    result.key_file_pass = inherited("TROUPE_TLS_KEY_FILE_PASS");
  result.handshake_timeout
    = std::chrono::ceil<std::chrono::milliseconds>(tls_handshake_timeout_);
  return parse_client_certificates(tls_auth_clients_)
    .and_then([&](client_certificates x) {
      result.auth_clients = x;
      return check(result);
    })
    .map([&] { return std::move(result); });
}

expected<mode_t> server_config::unix_socket_mode() const {
  constexpr mode_t most = 0777;
  mode_t result = 0;
  const auto* const end = unix_socket_mode_.data() + unix_socket_mode_.size();
  const auto [stop, code]
    = std::from_chars(unix_socket_mode_.data(), end, result, 8);
  if (code != std::errc{} || stop != end || result > most)
    return fail(errc::invalid_argument,
                "--unixsocketperm=" + unix_socket_mode_
                  + " makes no sense; allowed is 0 to 777, octal");
  return result;
}

region_options server_config::region() const {
  using std::chrono::ceil;
  region_options result;
  result.ttl = ttl_.count() == 0 ? no_expiry : ceil<ttl_duration>(ttl_);
  result.idle = idle_.count() == 0 ? no_expiry : ceil<ttl_duration>(idle_);
  result.jitter = jitter_;
  result.shards = shards_;
  result.max_key_size = max_key_size_;
  result.max_value_size = max_value_size_;
  return result;
}

// The command line of a process can be read by every user of the machine.
std::string server_config::password() const {
  return password_.empty() ? inherited("TROUPE_PASSWORD") : password_;
}

expected<console_settings> server_config::console() const {
  console_settings result;
  result.is_open = !no_console_;
  result.socket = console_socket_;
  if (no_console_ || console_port_ < 0)
    return result;
  result.port = static_cast<std::uint16_t>(console_port_);
  result.password = console_password_.empty()
                      ? inherited("TROUPE_CONSOLE_PASSWORD")
                      : console_password_;
  if (result.password.empty())
    return fail(
      errc::invalid_argument,
      "--console-port=" + std::to_string(console_port_)
        + " without a password would let every user of the machine "
          "end the server; put one into TROUPE_CONSOLE_PASSWORD or "
          "into console-password in the configuration file, or leave "
          "--console-port out: troupe-console then uses a Unix socket");
  return result;
}

expected<server_settings> server_config::settings() const {
  if (auto ok = check_ranges(); !ok)
    return tl::unexpected{std::move(ok.error())};
  auto with_tls = tls();
  if (!with_tls)
    return tl::unexpected{std::move(with_tls.error())};
  server_settings result;
  result.serve.tls = std::move(*with_tls);
  result.serve.plain = !no_plain_;
  result.serve.port = port_;
  auto addresses = parse_bind(bind_);
  if (!addresses)
    return tl::unexpected{std::move(addresses.error())};
  result.serve.bind = text_of(*addresses);
  result.serve.unix_socket = unix_socket_;
  result.serve.unix_socket_mode = *unix_socket_mode();
  result.serve.threads
    = threads_ != 0 ? threads_
                    : defaults::threads(std::thread::hardware_concurrency());
  result.serve.max_connections = max_connections_;
  result.serve.idle_timeout = std::chrono::ceil<std::chrono::seconds>(timeout_);
  result.serve.limits.command = query_buffer_limit_;
  result.serve.max_reply = max_reply_;
  result.serve.max_client_memory = *parse_memory_size(max_client_memory_);
  result.serve.databases = databases_;
  result.serve.password = password();
  result.serve.pubsub.bytes = pubsub_buffer_;
  result.serve.pubsub.soft_bytes = pubsub_soft_buffer_;
  result.serve.pubsub.soft_time
    = std::chrono::ceil<std::chrono::seconds>(pubsub_soft_time_);
  if (auto ok = check_bind(bind_, !result.serve.password.empty()
                                    || result.serve.wants_certificates());
      (result.serve.plain || result.serve.tls.port) && !ok)
    return tl::unexpected{std::move(ok.error())};
  result.max_memory = *parse_memory_size(max_memory_);
  result.serve.eviction = *policy_of(max_memory_policy_);
  if (auto note = substitute_note(max_memory_policy_); !note.empty())
    result.notes.push_back("--maxmemory-policy: " + note);
  auto spaces = namespaces();
  if (!spaces)
    return tl::unexpected{std::move(spaces.error())};
  result.serve.namespaces = std::move(*spaces);
  for (const auto& note : namespace_notes(namespaces_))
    result.notes.push_back("--namespaces: " + note);
  result.region = region();
  result.region.eviction = result.serve.eviction;
  auto for_console = console();
  if (!for_console)
    return tl::unexpected{std::move(for_console.error())};
  result.console = std::move(*for_console);
  result.drain_timeout
    = std::chrono::ceil<std::chrono::milliseconds>(drain_timeout_);
  return result;
}

} // namespace troupe::server
