#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include <troupe/actors/supervision/supervisor.hpp>
#include <troupe/actors/topics/topic_directory.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/eviction.hpp>
#include <troupe/messages/types/namespaces.hpp>

#include "apps/server/atomic_section.hpp"
#include "apps/server/client_registry.hpp"
#include "apps/server/credentials.hpp"
#include "apps/server/databases.hpp"
#include "apps/server/defaults.hpp"
#include <troupe/messages/types/text/glob.hpp>
#include "apps/settings/ini_file.hpp"
#include "apps/server/output_limits.hpp"
#include "apps/resp/parser.hpp"
#include "apps/net/tls_context.hpp"
#include <troupe/backends/core/wall_clock.hpp>

namespace troupe::server {

/// What one thread counts. Written by that thread only, read by any.
class alignas(64) thread_counters {
public:
  class counter {
  public:
    void add(std::uint64_t n) noexcept {
      // A single writer needs no locked instruction.
      value_.store(value_.load(std::memory_order_relaxed) + n,
                   std::memory_order_relaxed);
    }

    [[nodiscard]] std::uint64_t value() const noexcept {
      return value_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
  };

  counter connections_opened;
  counter connections_closed;
  counter connections_rejected;
  counter commands;
  counter errors;        ///< Streams that were not RESP.
  counter http_requests; ///< Connections that were closed for one.
  counter hits;
  counter misses;
  counter bytes_read;
  counter bytes_written;
  /// They did not take their messages in time: too many waited, or many for
  /// too long.
  counter subscribers_cut_hard;
  counter subscribers_cut_soft;
  counter handshakes_failed; ///< Of TLS.
  /// They sent more than their bound and took no replies, or all kept too much.
  counter query_buffer_exceeded;
  counter clients_evicted;
};

/// The sum over all threads; not a snapshot at one instant.
struct server_counters {
  std::uint64_t connections_opened = 0;
  std::uint64_t connections_closed = 0;
  std::uint64_t connections_rejected = 0;
  std::uint64_t commands = 0;
  std::uint64_t errors = 0;
  std::uint64_t http_requests = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t subscribers_cut_hard = 0;
  std::uint64_t subscribers_cut_soft = 0;
  std::uint64_t handshakes_failed = 0;
  std::uint64_t query_buffer_exceeded = 0;
  std::uint64_t clients_evicted = 0;

  // What all databases count.
  std::uint64_t evictions = 0;
  std::uint64_t expirations = 0;
  std::uint64_t relocations = 0;

  std::uint64_t connected = 0; ///< At present; never reset.

  /// What came on top of `before`.
  [[nodiscard]] server_counters
  since(const server_counters& before) const noexcept {
    auto result = *this;
    for (const auto counter :
         {&server_counters::connections_opened,
          &server_counters::connections_closed,
          &server_counters::connections_rejected, &server_counters::commands,
          &server_counters::errors, &server_counters::http_requests,
          &server_counters::hits, &server_counters::misses,
          &server_counters::bytes_read, &server_counters::bytes_written,
          &server_counters::subscribers_cut_hard,
          &server_counters::subscribers_cut_soft,
          &server_counters::handshakes_failed,
          &server_counters::query_buffer_exceeded,
          &server_counters::clients_evicted, &server_counters::evictions,
          &server_counters::expirations, &server_counters::relocations})
      result.*counter -= before.*counter;
    return result;
  }
};

/// What CONFIG SET may change while the server runs. Thread-safe.
struct live_settings {
  std::atomic<std::size_t> max_connections{defaults::max_connections};
  /// How long a client may be silent; zero: for ever.
  std::atomic<std::chrono::seconds> idle_timeout{std::chrono::seconds{0}};
  /// Bytes that all clients together may keep (`server_state::client_memory`); 0: any.
  std::atomic<std::size_t> max_client_memory{defaults::max_client_memory};
  /// Which entries go when the memory is full.
  std::atomic<eviction_policy> eviction{eviction_policy::s3_fifo};
  /// What may wait for a subscriber; that of `output` as it counts.
  live_subscriber_limits pubsub;

  [[nodiscard]] output_limits output() const {
    std::lock_guard lock{output_mutex_};
    return output_;
  }

  /// `messages`: how many may wait for a subscriber.
  void output(const output_limits& x, std::size_t messages) {
    std::lock_guard lock{output_mutex_};
    output_ = x;
    pubsub.set(subscriber_limits_of(x[pubsub_class], messages));
  }

private:
  mutable std::mutex output_mutex_;
  // Redis's defaults.
  output_limits output_{{{0, 0, 0},
                         {256UL * 1024 * 1024, 64UL * 1024 * 1024, 60},
                         {32UL * 1024 * 1024, 8UL * 1024 * 1024, 60}}};
};

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

/// How the server starts to serve; fixed once it runs.
struct serve_options {
  std::string version = "unknown";     ///< Of this program, for INFO.
  bool plain = true;                   ///< Listen without TLS, too.
  std::uint16_t port = defaults::port; ///< Without TLS; 0: any free port.
  tls_options tls;
  std::string bind = "127.0.0.1"; ///< See `parse_bind`.
  std::string unix_socket;        ///< Path of one to listen on; empty: none.
  mode_t unix_socket_mode = 0;    ///< Of that file; 0: as the umask says.
  std::size_t threads = 1;
  std::size_t max_connections = defaults::max_connections;
  parser_limits limits = {};
  std::size_t max_reply = defaults::max_reply;
  std::size_t max_client_memory = defaults::max_client_memory; ///< At start.
  std::size_t databases = defaults::databases;
  std::chrono::seconds idle_timeout{0}; ///< Zero: none.
  std::string password;                 ///< At start; empty: none is needed.
  subscriber_limits pubsub = {};
  memory_control memory = {};
  /// How the actors fare, for INFO; may be empty.
  std::function<supervision_figures()> supervision = {};
  eviction_policy eviction = eviction_policy::s3_fifo; ///< At start.
  std::vector<namespace_options> namespaces = {}; ///< Of database 0, at start.
  std::string config_file; ///< The ini file it was started with; may be none.
  /// Told what people should know of, one line at a time, from any thread. Empty:
  /// nobody is. Must not throw.
  std::function<void(const std::string&)> report = {};
  bool may_shut_down = false; ///< Clients may ask for the program's end.

  /// Whether nobody gets in without a certificate that we trust.
  [[nodiscard]] bool wants_certificates() const noexcept {
    return !plain && tls.port
           && tls.auth_clients == client_certificates::required;
  }
};

/// What the commands of all connections share and INFO shows.
struct server_state {
  serve_options options;
  std::chrono::steady_clock::time_point started
    = std::chrono::steady_clock::now();
  /// One for each thread; in place before the first connection.
  std::deque<thread_counters> threads;
  std::atomic<std::uint64_t> next_client{1};
  /// Names this run of the server: 40 hexadecimal digits.
  const std::string run_id = random_id();
  server::databases databases;
  credentials access;
  live_tls tls;
  live_settings live;
  ini_values at_start; ///< What `settings_of` said then.
  client_registry clients;
  /// Open while several keys change as one.
  change_gate gate;
  wall_clock wall;
  /// What clients publish and subscribe.
  topic_directory topics{[](bytes_view pattern, bytes_view channel) noexcept {
    return glob_match(pattern, channel, letter_case::exact);
  }};

  /// What all clients keep beyond the commands that run (`client::held_bytes`).
  std::atomic<std::size_t> client_memory{0};

  /// The buffers of those who have not given the password, in bytes.
  std::atomic<std::size_t> stranger_memory{0};

  /// Clients have given back so much that the system should get it.
  std::atomic<bool> trim_wanted{false};

  /// A client has asked for the end; the program looks.
  std::atomic<bool> shutdown_asked{false};

  /// Says that a request of HTTP came from `client`; once a minute at most.
  void report_http(std::string_view client);

  /// What has been counted since the start, or the last `reset_counters`.
  [[nodiscard]] server_counters counters() const {
    std::lock_guard lock{reset_mutex_};
    return totals().since(at_reset_);
  }

  /// CONFIG RESETSTAT: counts from here on.
  void reset_counters() {
    std::lock_guard lock{reset_mutex_};
    at_reset_ = totals();
    spaces_at_reset_ = databases[0].namespaces();
  }

  /// The namespaces of database 0; what they evicted and what expired counts as above.
  [[nodiscard]] std::vector<namespace_stats> namespaces() const {
    std::lock_guard lock{reset_mutex_};
    auto result = databases[0].namespaces();
    // None is added or removed while the server runs.
    for (std::size_t i = 0; i < spaces_at_reset_.size(); ++i) {
      result[i].evictions -= spaces_at_reset_[i].evictions;
      result[i].expirations -= spaces_at_reset_[i].expirations;
    }
    return result;
  }

  /// Redis's 40 hexadecimal digits, by chance.
  [[nodiscard]] static std::string random_id();

private:
  [[nodiscard]] server_counters totals() const {
    server_counters sum;
    for (const auto& x : threads) {
      sum.connections_opened += x.connections_opened.value();
      sum.connections_closed += x.connections_closed.value();
      sum.connections_rejected += x.connections_rejected.value();
      sum.commands += x.commands.value();
      sum.errors += x.errors.value();
      sum.http_requests += x.http_requests.value();
      sum.hits += x.hits.value();
      sum.misses += x.misses.value();
      sum.bytes_read += x.bytes_read.value();
      sum.bytes_written += x.bytes_written.value();
      sum.subscribers_cut_hard += x.subscribers_cut_hard.value();
      sum.subscribers_cut_soft += x.subscribers_cut_soft.value();
      sum.handshakes_failed += x.handshakes_failed.value();
      sum.query_buffer_exceeded += x.query_buffer_exceeded.value();
      sum.clients_evicted += x.clients_evicted.value();
    }
    sum.connected = sum.connections_opened - sum.connections_closed;
    databases.for_each([&sum](std::size_t, const region& db) {
      const auto x = db.stats();
      sum.evictions += x.evictions;
      sum.expirations += x.expirations;
      sum.relocations += x.relocations;
    });
    return sum;
  }

  mutable std::mutex reset_mutex_;
  server_counters at_reset_;
  std::vector<namespace_stats> spaces_at_reset_;
  std::atomic<std::chrono::steady_clock::rep> http_reported_{0}; ///< When last.
};

/// The version of Redis whose commands and texts this server follows.
inline constexpr std::string_view redis_version = "7.0.0";

} // namespace troupe::server
