#include "apps/server/server_config.hpp"

#include <utility>

#include <caf/config_option_adder.hpp>

namespace troupe::server {

// The question mark lets the command line omit the group's name.
server_config::server_config() {
  opt_group{custom_options_, "?server"}
    .add(given_.version, "version,v", "print the version and exit")
    .add(given_.port, "port,p",
         "TCP port for Redis clients, 0 for any free one (default: 6380)")
    .add(given_.no_plain, "no-plain", "do not listen without TLS")
    .add(given_.tls_port, "tls-port",
         "TCP port for clients that speak TLS, 0 for any free one, -1 for none "
         "(default: -1)")
    .add(given_.tls.cert_file, "tls-cert-file",
         "file with the server's certificate and those above it (PEM)")
    .add(given_.tls.key_file, "tls-key-file",
         "file with the private key of the certificate (PEM)")
    .add(given_.tls.key_file_pass, "tls-key-file-pass",
         "password of that key; better put it in the configuration file or the "
         "environment variable TROUPE_TLS_KEY_FILE_PASS (default: none)")
    .add(given_.tls.ca_cert_file, "tls-ca-cert-file",
         "file with the authorities that vouch for clients (PEM)")
    .add(given_.tls_auth_clients, "tls-auth-clients",
         "whether clients show a certificate: yes, no, or optional "
         "(default: yes)")
    .add(given_.tls.protocols, "tls-protocols",
         "versions that are spoken (default: TLSv1.2 TLSv1.3)")
    .add(given_.tls.ciphers, "tls-ciphers",
         "ciphers of TLS 1.2, as OpenSSL lists them (default: its own)")
    .add(given_.tls.ciphersuites, "tls-ciphersuites",
         "ciphers of TLS 1.3, as OpenSSL lists them (default: its own)")
    .add(given_.tls_handshake_timeout, "tls-handshake-timeout",
         "how long a client may take for the handshake (default: 10s)")
    .add(given_.bind, "bind",
         "addresses to listen on, blanks in between, as '127.0.0.1 -::1', of "
         "which one with - may be missing; others than this machine's own need "
         "a password (default: 127.0.0.1)")
    .add(given_.unix_socket, "unixsocket",
         "path of a Unix socket to listen on, too (default: none)")
    .add(given_.unix_socket_mode, "unixsocketperm",
         "permissions of that file, octal as 770, 0 for what the umask says "
         "(default: 0)")
    .add(given_.password, "password",
         "password of the clients; better put it in the configuration file or "
         "the environment variable TROUPE_PASSWORD (default: none)")
    .add(given_.threads, "threads",
         "threads that serve connections, 0 for one per core but one "
         "(default: 0)")
    .add(given_.max_connections, "max-connections",
         "connections at a time, more are refused (default: 10000)")
    .add(given_.timeout, "timeout",
         "how long a client may be silent before it is disconnected, in whole "
         "seconds, 0s for ever (default: 0s)")
    .add(given_.query_buffer_limit, "client-query-buffer-limit",
         "bytes of one command with all its arguments, and of the commands "
         "between MULTI and EXEC (default: 1073741824)")
    .add(
      given_.max_client_memory, "maxmemory-clients",
      "what all clients together may keep in transactions, watched keys and "
      "subscriptions, in commands that were not executed and in replies that "
      "they do not take, as 100mb or 2gb, 0 for no limit (default: 1gb)")
    .add(given_.max_reply, "max-reply",
         "bytes of one reply, unless it is a single value (default: 67108864)")
    .add(
      given_.console_socket, "console-socket",
      "Unix socket for troupe-console, for this user and root only (default: "
      "PORT.sock, without a port pid-N.sock, in troupe in $XDG_RUNTIME_DIR, or "
      "in /tmp/troupe-UID)")
    .add(given_.console_port, "console-port",
         "TCP port for troupe-console, which needs a console-password, 0 for "
         "any free one, -1 for none (default: -1)")
    .add(
      given_.console_password, "console-password",
      "password of that port; better put it in the configuration file or the "
      "environment variable TROUPE_CONSOLE_PASSWORD (default: none)")
    .add(given_.no_console, "no-console", "do not listen for troupe-console")
    .add(given_.drain_timeout, "drain-timeout",
         "how long a stop waits for clients and loads (default: 10s)")
    .add(given_.databases, "databases",
         "databases that SELECT knows, 1 to 1024 (default: 16)")
    .add(given_.max_memory, "maxmemory",
         "what all keys and values may take, as 100mb or 2gb, 0 for no limit; "
         "at least 64kb (default: 0)")
    .add(
      given_.max_memory_policy, "maxmemory-policy",
      "which keys go when that is reached: allkeys-s3fifo, allkeys-clock, or "
      "noeviction, which refuses writes; Redis's other names stand for the "
      "nearest of these (default: allkeys-s3fifo)")
    .add(
      given_.namespaces, "namespaces",
      "prefixes of database 0 with limits of their own, blanks in between, as "
      "'session:=64mb,noeviction img:=1gb'; the policy is maxmemory-policy "
      "where none is named (default: none)")
    .add(given_.shards, "shards",
         "shards of a database, a power of two up to 256, 0 for 16 per core "
         "(default: 0)")
    .add(given_.ttl, "ttl",
         "time to live of keys written without one, 0s for ever (default: 0s)")
    .add(
      given_.idle, "idle",
      "time after which keys expire that nobody read or wrote, their TTL being "
      "the latest end, 0s for never (default: 0s)")
    .add(given_.jitter, "jitter",
         "share of the ttl, 0 to below 1, by which keys may expire early "
         "(default: 0)")
    .add(given_.pubsub_buffer, "pubsub-buffer",
         "bytes of messages that may wait for a subscriber before it is cut "
         "off, up to 1099511627776 (default: 33554432)")
    .add(given_.pubsub_soft_buffer, "pubsub-soft-buffer",
         "bytes of messages that may wait for a subscriber for less than "
         "pubsub-soft-time, 0 for no such limit (default: 8388608)")
    .add(given_.pubsub_soft_time, "pubsub-soft-time",
         "see pubsub-soft-buffer, in whole seconds (default: 60s)")
    .add(given_.max_key_size, "max-key-size",
         "largest key in bytes, up to 2097152 (default: 65536)")
    .add(given_.max_value_size, "max-value-size",
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

} // namespace troupe::server
