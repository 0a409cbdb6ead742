#include "apps/server/state/info.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

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
  section_writer(std::string& out, std::vector<shown_metric> metrics) noexcept
    : out_(out), metrics_(std::move(metrics)) {
    // nop
  }

  void title(std::string_view x) {
    if (!out_.empty())
      out_ += "\r\n";
    out_.append("# ").append(x).append("\r\n");
    title_ = x;
  }

  void field(std::string_view name, std::string_view value) {
    out_.append(name).append(":").append(value).append("\r\n");
  }

  void field(std::string_view name, std::uint64_t value) {
    field(name, std::to_string(value));
  }

  /// The value of the metric that is shown as this; 0 when there is none.
  [[nodiscard]] std::int64_t value(std::string_view name) const noexcept {
    const auto i = std::ranges::find(metrics_, name, &shown_metric::name);
    return i == metrics_.end() ? 0 : i->value;
  }

  /// The field of a metric.
  void metric(std::string_view name) {
    field(name, std::to_string(value(name)));
    std::erase_if(metrics_,
                  [name](const shown_metric& x) { return x.name == name; });
  }

  /// The fields of the metrics of a section that have none yet.
  void other_metrics(std::string_view section) {
    for (const auto& x : metrics_)
      if (x.section == section) {
        if (!same_word(title_, section))
          title(capitalized(section));
        field(x.name, std::to_string(x.value));
      }
    std::erase_if(metrics_, [section](const shown_metric& x) {
      return x.section == section;
    });
  }

  /// Sections with nothing but metrics.
  void other_sections() {
    while (!metrics_.empty())
      other_metrics(metrics_.front().section);
  }

private:
  static std::string capitalized(std::string_view x) {
    std::string result{x};
    result[0] = static_cast<char>(result[0] - 'a' + 'A');
    return result;
  }

  std::string& out_;
  std::string title_;                 // Of the section that is being written.
  std::vector<shown_metric> metrics_; // Those that are not written yet.
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

void write_server(section_writer& out, const server_state& server) {
  using namespace std::chrono;
  const auto uptime
    = duration_cast<seconds>(steady_clock::now() - server.started).count();
  out.title("Server");
  out.field("redis_version", redis_version);
  out.field("redis_mode", "standalone");
  out.field("troupe_version", server.options.version);
  out.field("arch_bits", std::uint64_t{sizeof(void*) * 8});
  out.field("process_id", static_cast<std::uint64_t>(getpid()));
  out.field("run_id", server.run_id);
  write_ports(out, server.options);
  out.field("uptime_in_seconds", static_cast<std::uint64_t>(uptime));
  out.field("uptime_in_days", static_cast<std::uint64_t>(uptime / 86'400));
  out.field("io_threads", std::uint64_t{server.options.threads});
}

void write_clients(section_writer& out, const server_state& server) {
  out.title("Clients");
  out.metric("connected_clients");
  out.field("maxclients", std::uint64_t{server.live.max_connections});
  out.field("blocked_clients", std::uint64_t{server.waiting_clients});
}

void write_memory(section_writer& out, const server_state& server) {
  const auto resident = resident_bytes();
  out.title("Memory");
  const auto used = static_cast<std::uint64_t>(out.value("used_memory"));
  out.metric("used_memory");
  out.field("used_memory_human", human_size(used));
  out.field("used_memory_rss", resident);
  out.field("used_memory_rss_human", human_size(resident));
  out.metric("retired_memory");
  out.metric("vacant_memory");
  const auto limit = server.options.memory.present();
  out.metric("limited_memory");
  out.field("maxmemory", limit);
  out.field("maxmemory_human", human_size(limit));
  out.field("maxmemory_policy", settings::policy_name(server.live.eviction));
}

// Nothing is persisted; monitors look for these two all the same.
void write_persistence(section_writer& out, const server_state&) {
  out.title("Persistence");
  out.field("loading", std::uint64_t{0});
  out.field("async_loading", std::uint64_t{0});
  out.field("aof_enabled", std::uint64_t{0});
}

// The fields that monitors know, in the order in which they know them.
void write_stats(section_writer& out, const server_state&) {
  out.title("Stats");
  for (const auto* name :
       {"total_connections_received", "total_commands_processed",
        "total_net_input_bytes", "total_net_output_bytes",
        "rejected_connections", "protocol_errors", "http_requests_refused",
        "expired_keys", "evicted_keys", "active_defrag_hits", "keyspace_hits",
        "keyspace_misses", "pubsub_channels", "pubsub_patterns",
        "pubsubshard_channels", "client_query_buffer_limit_disconnections",
        "evicted_clients"})
    out.metric(name);
  out.field("client_output_buffer_limit_disconnections",
            std::to_string(out.value("subscribers_cut_by_hard_limit")
                           + out.value("subscribers_cut_by_soft_limit")));
  for (const auto* name :
       {"subscribers_cut_by_hard_limit", "subscribers_cut_by_soft_limit",
        "tls_handshakes_failed", "mailbox_handled", "mailbox_depth",
        "shard_restarts", "shards_failed", "actor_crashes", "actor_restarts",
        "actors_failed"})
    out.metric(name);
}

void write_replication(section_writer& out, const server_state&) {
  out.title("Replication");
  out.field("role", "master");
  out.field("connected_slaves", std::uint64_t{0});
}

void write_cpu(section_writer& out, const server_state&) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  out.title("CPU");
  out.field("used_cpu_sys", seconds_text(usage.ru_stime));
  out.field("used_cpu_user", seconds_text(usage.ru_utime));
}

void write_cluster(section_writer& out, const server_state&) {
  out.title("Cluster");
  out.field("cluster_enabled", std::uint64_t{0});
}

void write_keyspace(section_writer& out, const server_state& server) {
  out.title("Keyspace");
  server.databases.for_each([&out](std::size_t index, const region& db) {
    if (const auto x = db.stats(); x.keys > 0)
      out.field("db" + std::to_string(index),
                "keys=" + std::to_string(x.keys)
                  + ",expires=" + std::to_string(x.expiring)
                  + ",avg_ttl=" + std::to_string(x.mean_ttl.count())
                  + ",shards=" + std::to_string(db.provider().part_count()));
  });
}

// The prefix comes last, as it may contain commas.
void write_namespaces(section_writer& out, const server_state& server) {
  const auto all = server.namespaces();
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
  void (*write)(section_writer& out, const server_state& server);
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

bool is_asked_for(std::string_view section, resp::arguments names) {
  return names.empty()
         || std::any_of(names.begin(), names.end(), [section](bytes_view name) {
              return same_word(name, section) || same_word(name, "all")
                     || same_word(name, "default")
                     || same_word(name, "everything");
            });
}

} // namespace

std::string info_text(const server_state& server, resp::arguments sections) {
  std::string text;
  section_writer out{text, server.shown_metrics([&](std::string_view name) {
                       return is_asked_for(name, sections);
                     })};
  for (const auto& x : all_sections)
    if (is_asked_for(x.name, sections)) {
      x.write(out, server);
      out.other_metrics(x.name);
    }
  out.other_sections();
  return text;
}

} // namespace troupe::server
