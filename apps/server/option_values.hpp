#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <caf/timespan.hpp>

#include <troupe/actors/topics/subscriber.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/eviction.hpp>

#include "apps/net/defaults.hpp"
#include "apps/net/tls_options.hpp"
#include "apps/resp/defaults.hpp"
#include "apps/server/state/defaults.hpp"
#include "apps/settings/max_memory.hpp"

namespace troupe::server {

/// The options of troupe-server as they were given, which nothing has checked; those
/// that were not have their default. What they are called and what they mean to a user
/// says server_config.cpp, what they allow `settings_from`.
struct option_values {
  bool version = false; ///< The user wants to know that, and nothing else.
  std::uint16_t port = defaults::port;
  bool no_plain = false;
  std::int64_t tls_port = -1;
  net::tls_options tls; ///< What needs no translation.
  std::string tls_auth_clients = "yes";
  caf::timespan tls_handshake_timeout = net::defaults::handshake_timeout;
  std::string bind = "127.0.0.1";
  std::string unix_socket;
  std::string unix_socket_mode = "0";
  std::size_t threads = 0;
  std::size_t max_connections = defaults::max_connections;
  std::string console_socket;
  std::int64_t console_port = -1;
  std::string console_password;
  bool no_console = false;
  caf::timespan drain_timeout = defaults::drain_timeout;
  caf::timespan timeout{0};
  std::size_t query_buffer_limit = resp::defaults::max_command;
  std::size_t max_reply = resp::defaults::max_reply;
  std::string max_client_memory = "1gb";
  std::size_t databases = defaults::databases;
  std::string max_memory = "0";
  std::string max_memory_policy{
    settings::policy_name(eviction_policy::s3_fifo)};
  std::string namespaces;
  std::string password;
  std::size_t shards = 0;
  caf::timespan ttl{0};
  caf::timespan idle{0};
  double jitter = 0.0;
  std::size_t max_key_size = troupe::defaults::max_key_size;
  std::size_t pubsub_buffer = subscriber_limits{}.bytes;
  std::size_t pubsub_soft_buffer = subscriber_limits{}.soft_bytes;
  caf::timespan pubsub_soft_time = subscriber_limits{}.soft_time;
  std::size_t max_value_size = troupe::defaults::max_value_size;
};

} // namespace troupe::server
