#include "apps/server/state/info.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <troupe/actors/regions/detail/region_metrics.hpp>

#include "actors/plain/fixture.hpp"
#include "apps/server/state/server_state.hpp"
#include "catch.hpp"

using namespace std::chrono_literals;
using troupe::metric_kind;
using troupe::server::info_text;

namespace {

/// The state of a server with one database and without commands.
struct info_fixture : region_fixture {
  info_fixture() {
    REQUIRE(state.show_metrics());
    REQUIRE(state.databases.start(1, [this](std::size_t) {
      return troupe::expected<std::shared_ptr<troupe::region>>{uut};
    }));
    shown = troupe::register_region_metrics(state.options.metrics, [this] {
              return std::vector<std::shared_ptr<const troupe::region>>{uut};
            }).value();
  }

  /// The names of the fields of a section, in the order of INFO.
  std::vector<std::string> fields(troupe::bytes section) {
    const std::array<troupe::bytes_view, 1> words{section};
    const auto text = info_text(state, words);
    std::vector<std::string> result;
    for (std::size_t i = 0; i < text.size();) {
      const auto line = text.substr(i, text.find("\r\n", i) - i);
      if (const auto colon = line.find(':'); colon != line.npos)
        result.push_back(line.substr(0, colon));
      i += line.size() + 2;
    }
    return result;
  }

  bool has(const std::string& line) {
    return info_text(state, {}).find("\r\n" + line + "\r\n")
           != std::string::npos;
  }

  troupe::server::server_state state;
  troupe::metric_registration shown;
};

} // namespace

TEST_CASE("a metric is declared once and shown by INFO and the registry",
          "[server][info][metrics]") {
  info_fixture run;
  // A new metric of the server needs a declaration, and code that counts.
  struct dummy_cells : troupe::metric_cells {
    troupe::counter_cell dummies{*this,
                                 {.name = "troupe_server_dummies_total",
                                  .help = "Dummies of this test.",
                                  .info = {"stats", "dummies"}}};
  };
  troupe::cell_group<dummy_cells> threads;
  const auto kept = run.state.options.metrics.add(threads);
  REQUIRE(kept);
  threads.emplace_back().dummies.add(2);
  threads.emplace_back().dummies.add(3);

  CHECK(run.has("dummies:5"));
  CHECK(run.fields("stats").back() == "dummies");
  const auto listed = run.state.options.metrics.collect(
    [](const troupe::metric_info& x) { return x.info.name == "dummies"; });
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].info.name == "troupe_server_dummies_total");
  CHECK(listed[0].info.help == "Dummies of this test.");
  CHECK(listed[0].info.kind == metric_kind::counter);
  CHECK(listed[0].info.unit == troupe::metric_unit::none);
  CHECK(listed[0].value.value == 5);
  run.state.reset_counters();
  threads.front().dummies.add(1);
  CHECK(run.has("dummies:1"));
  CHECK(run.state.options.metrics.collect().size()
        == run.state.options.metrics.size());
}

TEST_CASE("the fields that monitors know come in their order",
          "[server][info][metrics]") {
  info_fixture run;
  CHECK(run.fields("stats")
        == std::vector<std::string>{"total_connections_received",
                                    "total_commands_processed",
                                    "total_net_input_bytes",
                                    "total_net_output_bytes",
                                    "rejected_connections",
                                    "protocol_errors",
                                    "http_requests_refused",
                                    "expired_keys",
                                    "evicted_keys",
                                    "active_defrag_hits",
                                    "keyspace_hits",
                                    "keyspace_misses",
                                    "pubsub_channels",
                                    "pubsub_patterns",
                                    "pubsubshard_channels",
                                    "client_query_buffer_limit_disconnections",
                                    "evicted_clients",
                                    "client_output_buffer_limit_disconnections",
                                    "subscribers_cut_by_hard_limit",
                                    "subscribers_cut_by_soft_limit",
                                    "tls_handshakes_failed",
                                    "mailbox_handled",
                                    "mailbox_depth",
                                    "shard_restarts",
                                    "shards_failed",
                                    "actor_crashes",
                                    "actor_restarts",
                                    "actors_failed",
                                    "leases_granted",
                                    "lease_stores",
                                    "lease_refusals"});
  CHECK(run.fields("memory")
        == std::vector<std::string>{"used_memory", "used_memory_human",
                                    "used_memory_rss", "used_memory_rss_human",
                                    "retired_memory", "vacant_memory",
                                    "limited_memory", "maxmemory",
                                    "maxmemory_human", "maxmemory_policy"});
  CHECK(run.fields("clients")
        == std::vector<std::string>{"connected_clients", "maxclients",
                                    "blocked_clients", "leases",
                                    "lease_waiters"});
}

TEST_CASE("INFO adds the series of a metric, counters since the reset",
          "[server][info][metrics]") {
  info_fixture run;
  auto& own = run.state.threads.emplace_back();
  auto& other = run.state.threads.emplace_back();
  own.hits.add(3);
  other.hits.add(4);
  own.connected.add(2);
  other.connected.add(-1);
  own.subscribers_cut_hard.add(1);
  other.subscribers_cut_soft.add(2);
  CHECK(run.uut->set("k", "v", {.ttl = 5ms}));
  run.time.advance(1s);
  run.uut->tick();
  CHECK(run.has("keyspace_hits:7"));
  CHECK(run.has("connected_clients:1"));
  CHECK(run.has("client_output_buffer_limit_disconnections:3"));
  CHECK(run.has("expired_keys:1"));
  CHECK(!run.has("mailbox_handled:0"));
  CHECK(!run.has("used_memory:0"));

  run.state.reset_counters();
  CHECK(run.has("keyspace_hits:0"));
  CHECK(run.has("expired_keys:0"));
  CHECK(run.has("client_output_buffer_limit_disconnections:0"));
  // A gauge is not reset. Neither are the counters of mailboxes.
  CHECK(run.has("connected_clients:1"));
  CHECK(!run.has("mailbox_handled:0"));
  other.hits.add(1);
  CHECK(run.has("keyspace_hits:1"));

  // The counters of a region end with it.
  run.shown = {};
  CHECK(run.has("expired_keys:0"));
  CHECK(run.has("mailbox_handled:0"));
}

TEST_CASE("a metric may have a section of its own in INFO",
          "[server][info][metrics]") {
  info_fixture run;
  troupe::counter jobs;
  const auto kept = run.state.options.metrics.add(
    {.name = "app_jobs_total", .help = "Jobs.", .info = {"jobs", "jobs_done"}},
    jobs);
  REQUIRE(kept);
  jobs.add(7);
  const std::array<troupe::bytes_view, 1> words{"JOBS"};
  CHECK(info_text(run.state, words) == "# Jobs\r\njobs_done:7\r\n");
  CHECK(info_text(run.state, {}).ends_with("\r\n# Jobs\r\njobs_done:7\r\n"));
}

TEST_CASE("two servers do not show their metrics in one registry",
          "[server][info][metrics]") {
  info_fixture run;
  troupe::server::server_state other;
  other.options.metrics = run.state.options.metrics;
  const auto refused = other.show_metrics();
  REQUIRE(!refused);
  CHECK(refused.error().text()
        == "metric 'troupe_server_connections_total' is registered already");
}
