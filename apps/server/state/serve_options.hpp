#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include <troupe/actors/topics/subscriber.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/eviction.hpp>
#include <troupe/messages/types/metrics/registry.hpp>
#include <troupe/messages/types/namespaces.hpp>

#include "apps/net/tls_options.hpp"
#include "apps/resp/defaults.hpp"
#include "apps/resp/parser.hpp"
#include "apps/server/state/defaults.hpp"

namespace troupe::server {

/// How the limit of the memory of all databases is asked for and changed. Empty
/// functions: there is none, and it cannot be set.
struct memory_control {
  std::function<std::size_t()> limit; ///< Bytes; 0: none.
  std::function<expected<void>(std::size_t)> set_limit;
  /// What `set_limit` would refuse; there if that is.
  std::function<expected<void>(std::size_t)> check_limit;

  [[nodiscard]] std::size_t present() const {
    return limit ? limit() : 0;
  }
};

class option_table;

/// How the server starts to serve; fixed once it runs.
struct serve_options {
  std::string version = "unknown";     ///< Of this program, for INFO.
  bool plain = true;                   ///< Listen without TLS, too.
  std::uint16_t port = defaults::port; ///< Without TLS; 0: any free port.
  net::tls_options tls;
  std::string bind = "127.0.0.1"; ///< See `net::parse_bind`.
  std::string unix_socket;        ///< Path of one to listen on; empty: none.
  mode_t unix_socket_mode = 0;    ///< Of that socket; 0: set by the umask.
  std::size_t threads = 1;
  std::size_t max_connections = defaults::max_connections;
  resp::parser_limits limits = {};
  std::size_t max_reply = resp::defaults::max_reply;
  std::size_t max_client_memory = defaults::max_client_memory; ///< At start.
  std::size_t databases = defaults::databases;
  std::chrono::seconds idle_timeout{0}; ///< Zero: none.
  std::string password;                 ///< At start; empty: none is needed.
  subscriber_limits pubsub = {};
  memory_control memory = {};
  /// Where INFO finds its metrics, and the server shows its own: those of the runtime.
  metric_registry metrics = metric_registry{};
  eviction_policy eviction = eviction_policy::s3_fifo; ///< At start.
  std::vector<namespace_options> namespaces = {}; ///< Of database 0, at start.
  /// Its options; nullptr: `option_table::standard()`.
  std::shared_ptr<const option_table> table = nullptr;
  /// What options were given, by name, as CONFIG GET shows it.
  std::map<std::string, std::string> start_values = {};
  std::string config_file; ///< The ini file it was started with; may be none.
  /// Told what people should know of, one line at a time, from any thread. Empty:
  /// nobody is. Must not throw.
  std::function<void(const std::string&)> report = {};
  bool may_shut_down = false; ///< Clients may ask for the program's end.

  /// Whether nobody gets in without a certificate that we trust.
  [[nodiscard]] bool wants_certificates() const noexcept {
    return !plain && tls.port
           && tls.auth_clients == net::client_certificates::required;
  }
};

} // namespace troupe::server
