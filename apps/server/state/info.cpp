#include "apps/server/state/info.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string_view>

#include <sys/resource.h>
#include <unistd.h>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/messages/types/text/words.hpp>

#include "apps/net/bind_addresses.hpp"
#include "apps/settings/max_memory.hpp"

namespace troupe::server {

namespace {

// "name:value" lines below a title.
class section_writer {
public:
  explicit section_writer(std::string& out) noexcept : out_(out) {
    // nop
  }

  void title(std::string_view x) {
    if (!out_.empty())
      out_ += "\r\n";
    out_.append("# ").append(x).append("\r\n");
  }

  void field(std::string_view name, std::string_view value) {
    out_.append(name).append(":").append(value).append("\r\n");
  }

  void field(std::string_view name, std::uint64_t value) {
    field(name, std::to_string(value));
  }

private:
  std::string& out_;
};

std::string human_size(std::uint64_t size) {
  constexpr std::string_view units = "BKMGTP";
  auto x = static_cast<double>(size);
  std::size_t unit = 0;
  for (; x >= 1024.0 && unit + 1 < units.size(); ++unit)
    x /= 1024.0;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f%c" : "%.2f%c", x,
                units[unit]);
  return text.data();
}

std::string seconds_text(const timeval& x) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%lld.%06lld",
                static_cast<long long>(x.tv_sec),
                static_cast<long long>(x.tv_usec));
  return text.data();
}

std::uint64_t resident_bytes() {
  std::ifstream in{"/proc/self/statm"};
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  in >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

struct info_source {
  const server_state& server;
  region_stats stats;
  server_counters counters;
};

// As Redis: its port without TLS or, when there is none, that with it.
void write_ports(section_writer& out, const serve_options& x) {
  out.field("tcp_port",
            std::uint64_t{x.plain ? x.port : x.tls.port.value_or(0)});
  int number = 0;
  const auto add = [&](const std::string& text) {
    out.field("listener" + std::to_string(number++), text);
  };
  std::string bind;
  const auto addresses = net::parse_bind(x.bind);
  for (std::size_t i = 0; addresses && i < addresses->size(); ++i)
    bind += ",bind=" + (*addresses)[i].text();
  const auto listener = [&](const std::string& name, std::uint16_t port) {
    add("name=" + name + bind + ",port=" + std::to_string(port));
  };
  if (x.plain)
    listener("tcp", x.port);
  if (x.tls.port)
    listener("tls", *x.tls.port);
  if (!x.unix_socket.empty())
    add("name=unix,bind=" + x.unix_socket);
}

void write_server(section_writer& out, const info_source& from) {
  using namespace std::chrono;
  const auto uptime
    = duration_cast<seconds>(steady_clock::now() - from.server.started).count();
  out.title("Server");
  out.field("redis_version", redis_version);
  out.field("redis_mode", "standalone");
  out.field("troupe_version", from.server.options.version);
  out.field("arch_bits", std::uint64_t{sizeof(void*) * 8});
  out.field("process_id", static_cast<std::uint64_t>(getpid()));
  out.field("run_id", from.server.run_id);
  write_ports(out, from.server.options);
  out.field("uptime_in_seconds", static_cast<std::uint64_t>(uptime));
  out.field("uptime_in_days", static_cast<std::uint64_t>(uptime / 86'400));
  out.field("io_threads", std::uint64_t{from.server.options.threads});
}

void write_clients(section_writer& out, const info_source& from) {
  out.title("Clients");
  out.field("connected_clients", from.counters.connected);
  out.field("maxclients", std::uint64_t{from.server.live.max_connections});
  out.field("blocked_clients", std::uint64_t{from.server.waiting_clients});
}

void write_memory(section_writer& out, const info_source& from) {
  const auto resident = resident_bytes();
  out.title("Memory");
  out.field("used_memory", from.stats.bytes);
  out.field("used_memory_human", human_size(from.stats.bytes));
  out.field("used_memory_rss", resident);
  out.field("used_memory_rss_human", human_size(resident));
  out.field("retired_memory", from.stats.retired);
  out.field("vacant_memory", from.stats.vacant);
  const auto limit = from.server.options.memory.present();
  out.field("limited_memory", from.stats.charged);
  out.field("maxmemory", limit);
  out.field("maxmemory_human", human_size(limit));
  out.field("maxmemory_policy",
            settings::policy_name(from.server.live.eviction));
}

// Nothing is persisted; monitors look for these two all the same.
void write_persistence(section_writer& out, const info_source&) {
  out.title("Persistence");
  out.field("loading", std::uint64_t{0});
  out.field("async_loading", std::uint64_t{0});
  out.field("aof_enabled", std::uint64_t{0});
}

std::uint64_t topics_of(const info_source& from, topic_kind kind) {
  return from.server.topics->directory().size(kind);
}

void write_stats(section_writer& out, const info_source& from) {
  const auto& x = from.counters;
  out.title("Stats");
  out.field("total_connections_received", x.connections_opened);
  out.field("total_commands_processed", x.commands);
  out.field("total_net_input_bytes", x.bytes_read);
  out.field("total_net_output_bytes", x.bytes_written);
  out.field("rejected_connections", x.connections_rejected);
  out.field("protocol_errors", x.errors);
  out.field("http_requests_refused", x.http_requests);
  out.field("expired_keys", x.expirations);
  out.field("evicted_keys", x.evictions);
  out.field("active_defrag_hits", x.relocations);
  out.field("keyspace_hits", x.hits);
  out.field("keyspace_misses", x.misses);
  out.field("pubsub_channels", topics_of(from, topic_kind::channel));
  out.field("pubsub_patterns", topics_of(from, topic_kind::pattern));
  out.field("pubsubshard_channels", topics_of(from, topic_kind::sharded));
  out.field("client_query_buffer_limit_disconnections",
            x.query_buffer_exceeded);
  out.field("evicted_clients", x.clients_evicted);
  out.field("client_output_buffer_limit_disconnections",
            x.subscribers_cut_hard + x.subscribers_cut_soft);
  out.field("subscribers_cut_by_hard_limit", x.subscribers_cut_hard);
  out.field("subscribers_cut_by_soft_limit", x.subscribers_cut_soft);
  out.field("tls_handshakes_failed", x.handshakes_failed);
  out.field("mailbox_handled", from.stats.handled);
  out.field("mailbox_depth", from.stats.mailbox_depth);
  out.field("shard_restarts", from.stats.restarts);
  out.field("shards_failed", from.stats.shards_failed);
  const auto& actors = from.server.options.supervision;
  const auto figures = actors ? actors() : supervision_figures{};
  out.field("actor_crashes", figures.crashes);
  out.field("actor_restarts", figures.restarts);
  out.field("actors_failed", figures.failed);
}

void write_replication(section_writer& out, const info_source&) {
  out.title("Replication");
  out.field("role", "master");
  out.field("connected_slaves", std::uint64_t{0});
}

void write_cpu(section_writer& out, const info_source&) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  out.title("CPU");
  out.field("used_cpu_sys", seconds_text(usage.ru_stime));
  out.field("used_cpu_user", seconds_text(usage.ru_utime));
}

void write_cluster(section_writer& out, const info_source&) {
  out.title("Cluster");
  out.field("cluster_enabled", std::uint64_t{0});
}

void write_keyspace(section_writer& out, const info_source& from) {
  out.title("Keyspace");
  from.server.databases.for_each([&out](std::size_t index, const region& db) {
    if (const auto x = db.stats(); x.keys > 0)
      out.field("db" + std::to_string(index),
                "keys=" + std::to_string(x.keys)
                  + ",expires=" + std::to_string(x.expiring)
                  + ",avg_ttl=" + std::to_string(x.mean_ttl.count())
                  + ",shards=" + std::to_string(db.provider().part_count()));
  });
}

// The prefix comes last, as it may contain commas.
void write_namespaces(section_writer& out, const info_source& from) {
  const auto all = from.server.namespaces();
  if (all.empty())
    return;
  out.title("Namespaces");
  for (std::size_t i = 0; i < all.size(); ++i)
    out.field("namespace_" + std::to_string(i),
              "keys=" + std::to_string(all[i].keys) + ",limited_memory="
                + std::to_string(all[i].charged) + ",maxmemory="
                + std::to_string(all[i].max_bytes) + ",maxmemory_policy="
                + std::string{settings::policy_name(all[i].eviction)}
                + ",evicted_keys=" + std::to_string(all[i].evictions)
                + ",expired_keys=" + std::to_string(all[i].expirations)
                + ",shards=" + std::to_string(all[i].shards)
                + ",prefix=" + all[i].prefix);
}

struct section {
  std::string_view name;
  void (*write)(section_writer& out, const info_source& from);
};

constexpr std::array all_sections{
  section{"server", write_server},
  section{"clients", write_clients},
  section{"memory", write_memory},
  section{"persistence", write_persistence},
  section{"stats", write_stats},
  section{"replication", write_replication},
  section{"cpu", write_cpu},
  section{"cluster", write_cluster},
  section{"keyspace", write_keyspace},
  section{"namespaces", write_namespaces},
};

bool is_asked_for(const section& x, resp::arguments names) {
  return names.empty()
         || std::any_of(names.begin(), names.end(), [&x](bytes_view name) {
              return same_word(name, x.name) || same_word(name, "all")
                     || same_word(name, "default")
                     || same_word(name, "everything");
            });
}

region_stats sum_of(const databases& all) {
  region_stats sum;
  all.for_each([&sum](std::size_t, const region& db) {
    const auto x = db.stats();
    sum.keys += x.keys;
    sum.bytes += x.bytes;
    sum.charged += x.charged;
    sum.retired += x.retired;
    sum.vacant += x.vacant;
    sum.handled += x.handled;
    sum.mailbox_depth += x.mailbox_depth;
    sum.restarts += x.restarts;
    sum.shards_failed += x.shards_failed;
  });
  return sum;
}

} // namespace

std::string info_text(const server_state& server, resp::arguments sections) {
  const info_source from{server, sum_of(server.databases), server.counters()};
  std::string text;
  section_writer out{text};
  for (const auto& x : all_sections)
    if (is_asked_for(x, sections))
      x.write(out, from);
  return text;
}

} // namespace troupe::server
