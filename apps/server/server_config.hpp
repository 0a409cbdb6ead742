#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include <caf/timespan.hpp>

#include <troupe/actors/config.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

#include "apps/settings/max_memory.hpp"
#include "apps/server/server_state.hpp"

namespace troupe::server {

/// Where troupe-console may come in.
struct console_settings {
  bool is_open = true;
  std::string socket;                ///< Empty: in the run-time folder.
  std::optional<std::uint16_t> port; ///< Empty: not by TCP.
  std::string password;              ///< Of the port.
};

/// What the options mean once they have been checked.
struct server_settings {
  serve_options serve;
  region_options region; ///< Of a database, but for namespaces.
  console_settings console;
  std::size_t max_memory = 0; ///< Of all databases, in bytes; 0: no limit.
  std::chrono::milliseconds drain_timeout = defaults::drain_timeout;
  std::vector<std::string> notes = {}; ///< What the user should know of them.
};

/// The options of troupe-server: `--port=N` on the command line, `port=N` below
/// `[server]` in the configuration file, and those of the runtime and of CAF.
class server_config : public config {
public:
  server_config();

  /// Reads the file (troupe.ini in the current directory, unless
  /// `--config-file` names another) and the command line over it. Errors:
  /// `invalid_argument`, naming the option and what it allows.
  expected<void> parse(int argc, char** argv);

  /// As above, with the file's content and the arguments at hand.
  expected<void> parse(std::vector<std::string> args, std::istream& file);

  /// Whether the user wants to know the version, and nothing else.
  [[nodiscard]] bool asks_for_version() const noexcept {
    return version_;
  }

  /// The checked options. The passwords are those of the options, or else of the
  /// environment variables TROUPE_PASSWORD, TROUPE_CONSOLE_PASSWORD and
  /// TROUPE_TLS_KEY_FILE_PASS. Errors: `invalid_argument`.
  [[nodiscard]] expected<server_settings> settings() const;

private:
  [[nodiscard]] expected<void> check_names() const;
  [[nodiscard]] expected<void> check_ranges() const;
  [[nodiscard]] expected<void> check_memory() const;
  [[nodiscard]] expected<mode_t> unix_socket_mode() const;
  [[nodiscard]] region_options region() const;
  [[nodiscard]] expected<std::vector<namespace_options>> namespaces() const;
  [[nodiscard]] std::string password() const;
  [[nodiscard]] expected<console_settings> console() const;
  [[nodiscard]] expected<tls_options> tls() const;

  bool version_ = false;
  std::uint16_t port_ = defaults::port;
  bool no_plain_ = false;
  std::int64_t tls_port_ = -1;
  tls_options tls_; // What needs no translation.
  std::string tls_auth_clients_ = "yes";
  caf::timespan tls_handshake_timeout_ = defaults::handshake_timeout;
  std::string bind_ = "127.0.0.1";
  std::string unix_socket_;
  std::string unix_socket_mode_ = "0";
  std::size_t threads_ = 0;
  std::size_t max_connections_ = defaults::max_connections;
  std::string console_socket_;
  std::int64_t console_port_ = -1;
  std::string console_password_;
  bool no_console_ = false;
  caf::timespan drain_timeout_ = defaults::drain_timeout;
  caf::timespan timeout_{0};
  std::size_t query_buffer_limit_ = defaults::max_command;
  std::size_t max_reply_ = defaults::max_reply;
  std::string max_client_memory_ = "1gb";
  std::size_t databases_ = defaults::databases;
  std::string max_memory_ = "0";
  std::string max_memory_policy_{policy_name(eviction_policy::s3_fifo)};
  std::string namespaces_;
  std::string password_;
  std::size_t shards_ = 0;
  caf::timespan ttl_{0};
  caf::timespan idle_{0};
  double jitter_ = 0.0;
  std::size_t max_key_size_ = troupe::defaults::max_key_size;
  std::size_t pubsub_buffer_ = subscriber_limits{}.bytes;
  std::size_t pubsub_soft_buffer_ = subscriber_limits{}.soft_bytes;
  caf::timespan pubsub_soft_time_ = subscriber_limits{}.soft_time;
  std::size_t max_value_size_ = troupe::defaults::max_value_size;
};

} // namespace troupe::server
