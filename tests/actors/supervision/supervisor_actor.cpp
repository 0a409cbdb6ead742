#include <troupe/actors/supervision/supervisor_actor.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <caf/send.hpp>
#include <caf/system_messages.hpp>

#include <troupe/actors/gate/remote.hpp>

#include "actors/fixture.hpp"
#include "scratch_folder.hpp"
#include "region_shards.hpp"
#include "futures.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

struct fixture : runtime_fixture {
  using runtime_fixture::runtime_fixture;

  std::vector<actor_info> list(const std::string& prefix = "") {
    auto result = ask<actor_list>(root, list_actors_request{prefix});
    REQUIRE(result);
    return result->actors;
  }

  std::shared_ptr<region> where = open();
  supervisor_actor root = uut->supervisor();
};

} // namespace

TEST_CASE("the supervisor lists the tree") {
  fixture f;
  REQUIRE(f.where->set("k", "v"));
  auto rows = f.list();
  REQUIRE(rows.size() == 8);
  CHECK(rows[0].name == "supervisor");
  CHECK(rows[0].kind == "supervisor");
  CHECK(rows[0].parent.empty());
  CHECK(rows[1].name == "load-coordinator");
  CHECK(rows[1].parent == "supervisor");
  CHECK(rows[2].name == "topics");
  CHECK(rows[2].parent == "supervisor");
  CHECK(rows[3].name == "db0");
  CHECK(rows[3].kind == "region");
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 4; i < 8; ++i) {
    CHECK(rows[i].name == "db0/shard-" + std::to_string(i - 4));
    CHECK(rows[i].kind == "shard");
    CHECK(rows[i].parent == "db0");
    CHECK(rows[i].state == "running");
    CHECK(rows[i].restarts == 0);
    keys += rows[i].keys;
    bytes += rows[i].bytes;
  }
  CHECK(keys == 1);
  CHECK(bytes > 0);
  CHECK(f.list("db0/").size() == 4);
  CHECK(f.list("sup").size() == 1);
  CHECK(f.list("nobody").empty());
}

TEST_CASE("the supervisor tells how the runtime is") {
  fixture f;
  REQUIRE(f.where->set("k", "v"));
  auto stat = f.ask<runtime_stat>(f.root, runtime_stat_request{});
  REQUIRE(stat);
  CHECK_FALSE(stat->version.empty());
  CHECK(stat->process_id != 0);
  CHECK(stat->resident_bytes > 0);
  CHECK(stat->threads > 1);
  CHECK(stat->open_files > 2);
  CHECK(stat->actors == 8);
  CHECK(stat->loads_in_flight == 0);
  CHECK_FALSE(stat->draining);
  REQUIRE(stat->regions.size() == 1);
  CHECK(stat->regions[0].name == "db0");
  CHECK(stat->regions[0].value_type == "bytes");
  CHECK(stat->regions[0].shards == 4);
  CHECK(stat->regions[0].keys == 1);
  CHECK(
    f.ask<runtime_stat>(f.root, runtime_stat_request{false})->regions.empty());
}

TEST_CASE("a killed shard is restarted and keeps its entries") {
  fixture f;
  for (int i = 0; i < 100; ++i)
    REQUIRE(f.where->set(std::to_string(i), "v"));
  f.kill("db0/shard-2");
  auto row = f.row("db0/shard-2");
  CHECK(row.state == "running");
  CHECK(row.restarts == 1);
  CHECK(f.where->size() == 100);
  for (int i = 0; i < 100; ++i)
    CHECK(f.where->erase(std::to_string(i)) == true);
  CHECK(f.where->stats().restarts == 1);
}

TEST_CASE("what cannot be killed is said so") {
  fixture f;
  CHECK(f.ask<void>(f.root, kill_request{"nobody"}).error()
        == errc::unknown_actor);
  CHECK(f.ask<void>(f.root, kill_request{""}).error() == errc::unknown_actor);
  auto refused = f.ask<void>(f.root, kill_request{"supervisor"});
  CHECK(refused.error() == errc::invalid_argument);
  CHECK_FALSE(refused.error().text().empty());
  CHECK(f.list().size() == 8);
}

TEST_CASE("an actor is found by its name, with its kind") {
  fixture f;
  auto find = [&](const std::string& name) {
    std::pair<std::string, caf::strong_actor_ptr> result;
    f.self->request(f.root, caf::infinite, find_actor_request{name})
      .receive(
        [&](std::string& kind, caf::strong_actor_ptr& who) {
          result = {std::move(kind), std::move(who)};
        },
        [&](const caf::error& e) {
          result.first = to_string(from_caf(e).code());
        });
    return result;
  };
  auto root = find("supervisor");
  CHECK(root.first == "supervisor");
  CHECK(root.second == caf::actor_cast<caf::strong_actor_ptr>(f.root));
  auto region = find("db0");
  CHECK(region.first == "region");
  CHECK(f.ask<bool>(caf::actor_cast<region_actor>(region.second),
                    set_request{"k", "v", {}})
        == true);
  auto shard = find("db0/shard-2");
  CHECK(shard.first == "shard");
  CHECK(
    f.ask<void>(caf::actor_cast<shard_actor>(shard.second), clear_request{}));
  CHECK(find("load-coordinator").first == "load-coordinator");
  for (const auto* name : {"", "nobody", "db", "db0/", "db0/shard-4",
                           "db0/shard-22", "db0/shard-2x"}) {
    CAPTURE(name);
    auto none = find(name);
    CHECK(none.first == "unknown_actor");
    CHECK_FALSE(none.second);
  }
}

TEST_CASE("who asks from the same system is no node") {
  fixture f;
  auto nodes = f.ask<node_list>(f.root, list_nodes_request{});
  REQUIRE(nodes);
  CHECK(nodes->nodes.empty());
  CHECK(nodes->total == 0);
  CHECK(nodes->self == to_string(f.system.node()));
}

TEST_CASE("a shard that crashes too often stays down, with typed errors") {
  runtime_options options;
  options.restart_limit = 2;
  fixture f{options};
  std::string key;
  for (int i = 0; shard_of(*f.where, key) != 1; ++i)
    key = std::to_string(i);
  REQUIRE(f.where->set(key, "v"));
  for (int i = 0; i < 3; ++i)
    f.kill("db0/shard-1");
  CHECK(f.row("db0/shard-1").state == "failed");
  CHECK(f.row("db0/shard-1").restarts == 2);
  CHECK(f.where->set(key, "w").error() == errc::shard_down);
  CHECK(increment_async(*f.where, key).get().error() == errc::shard_down);
  auto front = *f.uut->actor("db0");
  CHECK(f.ask<bool>(front, set_request{key, "w", {}}).error()
        == errc::shard_down);
  CHECK(f.ask<void>(f.root, kill_request{"db0/shard-1"}).error()
        == errc::unknown_actor);
  // The others go on.
  CHECK(f.row("db0/shard-0").state == "running");
}

TEST_CASE("a shard that gave up runs again by message, with what it had") {
  runtime_options options;
  options.restart_limit = 2;
  fixture f{options};
  std::string key;
  for (int i = 0; shard_of(*f.where, key) != 1; ++i)
    key = std::to_string(i);
  REQUIRE(f.where->set(key, "v"));
  for (int i = 0; i < 3; ++i)
    f.kill("db0/shard-1");
  REQUIRE(f.row("db0/shard-1").state == "failed");
  auto stat = f.ask<runtime_stat>(f.root, runtime_stat_request{});
  REQUIRE(stat);
  CHECK(stat->actor_crashes == 3);
  CHECK(stat->actor_restarts == 2);
  CHECK(stat->actors_failed == 1);
  CHECK(stat->shards_failed == 1);
  CHECK(stat->regions.at(0).shards_failed == 1);
  CHECK(value_of(*f.where, key) == "v");
  CHECK(f.ask<void>(f.root, restart_request{"db0/shard-1"}));
  CHECK(f.row("db0/shard-1").state == "running");
  CHECK(f.row("db0/shard-1").restarts == 3);
  CHECK(value_of(*f.where, key) == "v");
  CHECK(f.where->set(key, "w") == true);
  auto shard = f.ask<bool>(*f.uut->actor("db0"), set_request{key, "x", {}});
  CHECK(shard == true);
  CHECK(f.uut->supervision().shards_failed == 0);
  // Its budget is a new one.
  f.kill("db0/shard-1");
  f.kill("db0/shard-1");
  CHECK(f.row("db0/shard-1").state == "running");
}

TEST_CASE("the front of a region that gave up runs again by order") {
  runtime_options options;
  options.restart_limit = 1;
  fixture f{options};
  f.kill("db0");
  f.kill("db0");
  REQUIRE(f.row("db0").state == "failed");
  CHECK(f.uut->actor("db0").error() == errc::shard_down);
  CHECK(f.ask<region_actor>(f.root, find_region_request{"db0"}).error()
        == errc::shard_down);
  CHECK(f.uut->supervision().failed == 1);
  CHECK(f.uut->supervision().shards_failed == 0);
  CHECK(f.uut->restart("db0"));
  CHECK(f.row("db0").state == "running");
  CHECK(f.ask<bool>(*f.uut->actor("db0"), set_request{"k", "v", {}}) == true);
}

TEST_CASE("what runs or is unknown is not started by order") {
  fixture f;
  for (auto name : {"db0", "db0/shard-0", "load-coordinator", "supervisor"}) {
    INFO(name);
    auto refused = f.ask<void>(f.root, restart_request{name});
    CHECK(refused.error() == errc::invalid_argument);
    CHECK(refused.error().text().find(std::string{name} + " is running")
          != std::string::npos);
    CHECK(f.uut->restart(name).error() == errc::invalid_argument);
  }
  CHECK(f.ask<void>(f.root, restart_request{"nobody"}).error()
        == errc::unknown_actor);
  CHECK(f.uut->restart("").error() == errc::unknown_actor);
  f.uut->drain(10s);
  CHECK(f.uut->restart("db0").error() == errc::shutting_down);
}

TEST_CASE("a shard that gave up is empty to readers when that is wanted") {
  runtime_options options;
  options.restart_limit = 0;
  options.failed_shards = failed_shards::absent;
  fixture f{options};
  std::string key;
  for (int i = 0; shard_of(*f.where, key) != 1; ++i)
    key = std::to_string(i);
  REQUIRE(f.where->set(key, "v"));
  f.kill("db0/shard-1");
  eventually([&] { return value_of(*f.where, key) == "<none>"; });
  CHECK(f.where->set(key, "w").error() == errc::shard_down);
  CHECK(f.uut->restart("db0/shard-1"));
  CHECK(value_of(*f.where, key) == "<none>");
  CHECK(f.where->set(key, "w") == true);
}

TEST_CASE("the reason of a crash is reported as one short line of ASCII") {
  std::mutex mutex;
  std::vector<std::string> said;
  runtime_options options;
  options.report = [&](std::string_view line) {
    std::lock_guard guard{mutex};
    said.emplace_back(line);
  };
  fixture f{options};
  f.self->request(f.root, caf::infinite, find_actor_request{"db0/shard-1"})
    .receive(
      [&](const std::string&, const caf::strong_actor_ptr& who) {
        f.self->send(caf::actor_cast<caf::actor>(who),
                     caf::exit_msg{f.self->address(),
                                   caf::make_error(
                                     caf::sec::runtime_error,
                                     "\x1b[31m\n" + std::string(60'000, 'x'))});
      },
      [](const caf::error&) { FAIL("no such actor"); });
  eventually([&] {
    std::lock_guard guard{mutex};
    return !said.empty();
  });
  std::lock_guard guard{mutex};
  CHECK(said.front().find("db0/shard-1 crashed (") == 0);
  CHECK(said.front().find("\\x1b[31m") != std::string::npos);
  CHECK(said.front().size() < 400);
}

TEST_CASE("what happens to actors is reported, the supervisor included") {
  std::mutex mutex;
  std::vector<std::string> said;
  runtime_options options;
  options.restart_limit = 1;
  options.report = [&](std::string_view line) {
    std::lock_guard guard{mutex};
    said.emplace_back(line);
  };
  const auto told = [&](std::string_view part) {
    std::lock_guard guard{mutex};
    return std::count_if(said.begin(), said.end(), [&](auto& x) {
      return x.find(part) != std::string::npos;
    });
  };
  fixture f{options};
  f.kill("db0/shard-1");
  f.kill("db0/shard-1");
  eventually([&] { return told("db0/shard-1 is given up") == 1; });
  CHECK(told("db0/shard-1 crashed (") == 2);
  CHECK(told("db0/shard-1 runs again") == 1);
  CHECK(f.uut->restart("db0/shard-1"));
  CHECK(told("db0/shard-1 runs again, by order") == 1);
  f.self->send_exit(f.uut->supervisor(), caf::exit_reason::kill);
  eventually([&] { return told("supervisor runs again") == 1; });
  CHECK(told("supervisor crashed") == 1);
  CHECK(f.uut->supervision().crashes == 3);
  f.opened.clear();
  f.where = nullptr;
  const auto before = said.size();
  f.uut.reset();
  // An end in order is no crash.
  CHECK(said.size() == before);
}

TEST_CASE("a region is described by name, and db0 or the first one without") {
  fixture f;
  auto info = f.ask<region_info>(f.root, region_info_request{});
  REQUIRE(info);
  CHECK(info->name == "db0");
  CHECK(info->encoding == "bytes");
  auto numbers = f.uut->open<int>("counts");
  REQUIRE(numbers);
  CHECK(f.ask<region_info>(f.root, region_info_request{"counts"})->encoding
        == "integer");
  CHECK(f.ask<region_info>(f.root, region_info_request{})->name == "db0");
  CHECK(f.ask<region_info>(f.root, region_info_request{"db1"}).error()
        == errc::unknown_region);
}

TEST_CASE("without db0 the first region by name is described") {
  runtime_fixture f;
  CHECK(f.ask<region_info>(f.uut->supervisor(), region_info_request{}).error()
        == errc::unknown_region);
  f.open("sessions");
  f.open("profiles");
  CHECK(f.ask<region_info>(f.uut->supervisor(), region_info_request{})->name
        == "profiles");
}

TEST_CASE("a drain begins with the clients of the application, once") {
  fixture f;
  std::vector<std::chrono::milliseconds> given;
  bool could_open = false;
  auto kept = f.uut->end_clients_first([&](std::chrono::milliseconds left) {
    given.push_back(left);
    // What they ask for is still done.
    could_open = f.uut->open_region("late").has_value()
                 && f.where->set("k", "v").has_value();
    return runtime::ended_clients{5, 2};
  });
  auto gone = f.uut->end_clients_first([&](std::chrono::milliseconds) {
    given.push_back(0ms);
    return runtime::ended_clients{};
  });
  gone.reset();
  auto report = f.ask<drain_report>(f.root, drain_request{10s});
  REQUIRE(report);
  CHECK(report->clients == 5);
  CHECK(report->clients_cut == 2);
  CHECK(could_open);
  REQUIRE(given.size() == 1);
  CHECK(given[0] > 5s);
  CHECK(given[0] <= 10s);
  CHECK(f.uut->drain(1s).clients_cut == 2);
  CHECK(given.size() == 1);
  CHECK(f.uut->open_region("later").error() == errc::shutting_down);
}

TEST_CASE("the deadline of a drain covers clients and loads together") {
  fixture f;
  std::latch loading{1};
  std::atomic<bool> stop{false};
  auto kept = f.uut->end_clients_first([&](std::chrono::milliseconds left) {
    std::this_thread::sleep_for(left); // A client that does not end.
    return runtime::ended_clients{1, 1};
  });
  std::jthread loader{[&] {
    static_cast<void>(f.where->get_or_set("slow", [&](load_context&) {
      loading.count_down();
      while (!stop)
        std::this_thread::yield();
      return "v";
    }));
  }};
  loading.wait();
  auto report = f.uut->drain(200ms);
  stop = true;
  CHECK(report.clients_cut == 1);
  CHECK(report.took >= 200ms);
  REQUIRE_FALSE(report.stuck.empty());
  CHECK(report.stuck[0].find("slow") != std::string::npos);
}

TEST_CASE("crashes long ago do not count") {
  runtime_options options;
  options.restart_limit = 1;
  fixture f{options};
  for (int i = 0; i < 5; ++i) {
    f.kill("db0/shard-1");
    CHECK(f.row("db0/shard-1").state == "running");
    f.time.advance(options.restart_window);
  }
}

TEST_CASE("the supervisor finds regions") {
  fixture f;
  auto front = f.ask<region_actor>(f.root, find_region_request{"db0"});
  REQUIRE(front);
  CHECK(f.ask<bool>(*front, set_request{"k", "v", {}}) == true);
  CHECK(f.ask<region_actor>(f.root, find_region_request{"db1"}).error()
        == errc::unknown_region);
}

TEST_CASE("a dead supervisor is replaced, and the dead are not forgotten") {
  fixture f;
  auto first = f.root;
  f.self->monitor(first);
  f.self->send_exit(first, caf::exit_reason::kill);
  f.self->receive([](const caf::down_msg&) {});
  eventually([&] {
    f.root = f.uut->supervisor();
    return f.root != first;
  });
  CHECK(f.row("supervisor").restarts == 1);
  f.kill("db0/shard-3");
  CHECK(f.row("db0/shard-3").restarts == 1);
  CHECK(f.row("db0/shard-3").state == "running");
}

TEST_CASE("shards and supervisors may die in any order") {
  runtime_options options;
  options.restart_limit = 1'000'000;
  fixture f{options};
  for (int i = 0; i < 100; ++i) {
    auto shard = "db0/shard-" + std::to_string(i % 4);
    caf::anon_send(f.uut->supervisor(), kill_request{shard});
    f.self->send_exit(f.uut->supervisor(), caf::exit_reason::kill);
    REQUIRE(f.where->set(std::to_string(i), "v"));
  }
  eventually([&] {
    f.root = f.uut->supervisor();
    auto list = f.ask<actor_list>(f.root, list_actors_request{"db0"});
    return list
           && std::all_of(list->actors.begin(), list->actors.end(),
                          [](auto& x) { return x.state == "running"; });
  });
  CHECK(f.where->size() == 100);
}

TEST_CASE("a drain by message ends everything but the supervisor") {
  fixture f;
  auto report = f.ask<drain_report>(f.root, drain_request{10s});
  REQUIRE(report);
  CHECK(report->stuck.empty());
  for (auto& x : f.list())
    CHECK(x.state == (x.kind == "supervisor" ? "running" : "stopped"));
  CHECK(f.ask<runtime_stat>(f.root, runtime_stat_request{})->draining);
  CHECK(f.ask<load_list>(f.root, list_loads_request{}).error()
        == errc::shutting_down);
  CHECK(f.ask<region_actor>(f.root, find_region_request{"db0"}).error()
        == errc::shutting_down);
  CHECK(f.where->set("k", "v").error() == errc::shutting_down);
  CHECK(f.uut->open_region("db1").error() == errc::shutting_down);
  // Again: the same report.
  CHECK(f.ask<drain_report>(f.root, drain_request{1s})->took == report->took);
}

TEST_CASE("the supervisor answers while it drains, and names what is stuck") {
  fixture f;
  std::latch go_on{1};
  std::latch started{1};
  auto loaded
    = get_or_set_async(*f.where, "42", [&](load_context&) -> expected<bytes> {
        started.count_down();
        go_on.wait();
        return bytes{"late"};
      });
  started.wait();
  auto drained = f.self->request(f.root, caf::infinite, drain_request{300ms});
  caf::scoped_actor other{f.system, true};
  eventually([&] {
    return ask<runtime_stat>(other, f.root, runtime_stat_request{})->draining;
  });
  CHECK(ask<actor_list>(other, f.root, list_actors_request{}));
  drained.receive(
    [](const drain_report& x) {
      REQUIRE_FALSE(x.stuck.empty());
      CHECK(x.stuck[0].find("db0/42") != std::string::npos);
      CHECK(x.took >= 300ms);
    },
    [&](const caf::error& e) { FAIL(f.system.render(e)); });
  CHECK(loaded.get().error() == errc::shutting_down);
  go_on.count_down();
}

TEST_CASE("who waits for a drain is answered when the supervisor dies") {
  fixture f;
  std::latch go_on{1};
  std::latch started{1};
  auto loaded
    = get_or_set_async(*f.where, "42", [&](load_context&) -> expected<bytes> {
        started.count_down();
        go_on.wait();
        return bytes{"late"};
      });
  started.wait();
  auto drained = f.self->request(f.root, caf::infinite, drain_request{60s});
  eventually([&] { return f.uut->stat().draining; });
  f.self->send_exit(f.root, caf::exit_reason::kill);
  drained.receive(
    [](const drain_report&) { FAIL("nothing was drained yet"); },
    [](const caf::error& e) { CHECK(from_caf(e) == errc::shutting_down); });
  // The drain itself goes on.
  go_on.count_down();
  CHECK(*loaded.get() == "late");
}

TEST_CASE("a drain with a negative deadline is refused") {
  fixture f;
  CHECK(f.ask<drain_report>(f.root, drain_request{-1s}).error()
        == errc::invalid_argument);
  CHECK(f.where->set("k", "v") == true);
}

TEST_CASE("a console elsewhere supervises, and finds the next supervisor") {
  fixture f{{}, "stealing", true};
  scratch_folder folder;
  auto path = f.uut->publish(console_socket{folder.path + "/a.sock"});
  REQUIRE(path);
  small_config client_cfg{"stealing", true};
  caf::actor_system client{client_cfg};
  caf::scoped_actor self{client};
  auto connect
    = [&] { return troupe::connect(client, console_socket{*path}, 20s); };
  auto remote = connect();
  REQUIRE(remote);
  auto list = ask<actor_list>(self, *remote, list_actors_request{});
  REQUIRE(list);
  CHECK(list->actors.size() == 8);
  CHECK(ask<void>(self, *remote, kill_request{"db0/shard-0"}));
  CHECK(ask<void>(self, *remote, kill_request{"nobody"}).error()
        == errc::unknown_actor);
  eventually([&] {
    auto stat = ask<runtime_stat>(self, *remote, runtime_stat_request{});
    return stat && stat->regions.at(0).restarts == 1;
  });

  self->monitor(*remote);
  caf::anon_send_exit(f.root, caf::exit_reason::kill);
  self->receive(
    [](const caf::down_msg& x) { CHECK(x.reason == caf::exit_reason::kill); });
  eventually([&] {
    remote = connect();
    return remote
           && ask<actor_list>(self, *remote, list_actors_request{},
                              caf::duration{1s});
  });
}

TEST_CASE("a runtime that ended is not published any more") {
  small_config cfg{"stealing", true};
  small_config client_cfg{"stealing", true};
  caf::actor_system system{cfg};
  caf::actor_system client{client_cfg};
  scratch_folder folder;
  const console_socket file{folder.path + "/a.sock"};
  console_port port{0, "127.0.0.1", "p"};
  {
    runtime first{system};
    REQUIRE(first.publish(file));
    port.port = first.publish(port).value();
    CHECK(connect(client, port, 20s));
    CHECK(connect(client, file, 20s));
  }
  CHECK(connect(client, port, 20s).error() == errc::system_error);
  CHECK(connect(client, file, 20s).error() == errc::system_error);
  runtime next{system};
  CHECK(next.publish(file));
  CHECK(next.publish(port));
  CHECK(connect(client, file, 20s));
}

TEST_CASE(
  "publishing without networking, a password or a free name says why not") {
  fixture f;
  CHECK(f.uut->publish().error() == errc::invalid_argument);
  fixture g{{}, "stealing", true};
  scratch_folder folder;
  const console_socket file{folder.path + "/a.sock"};
  REQUIRE(g.uut->publish(file));
  CHECK(g.uut->publish(file).error() == errc::system_error);
  CHECK(g.uut->publish(console_port{}).error() == errc::invalid_argument);
  CHECK(g.uut->publish(console_port{0, "no address", "p"}).error()
        == errc::system_error);
  CHECK(g.uut->publish(console_socket{std::string(97, 'x')}).error()
        == errc::invalid_argument);
}

TEST_CASE("a supervisor believes no message that an actor has died") {
  fixture f{{}, "stealing", true};
  scratch_folder folder;
  auto path = f.uut->publish(console_socket{folder.path + "/a.sock"});
  REQUIRE(path);
  small_config client_cfg{"stealing", true};
  caf::actor_system client{client_cfg};
  auto remote = troupe::connect(client, console_socket{*path}, 20s);
  REQUIRE(remote);
  caf::scoped_actor self{client};
  auto found = [&](const std::string& name) {
    caf::strong_actor_ptr result;
    self->request(*remote, caf::infinite, find_actor_request{name})
      .receive([&](const std::string&,
                   caf::strong_actor_ptr& who) { result = std::move(who); },
               [](const caf::error&) { FAIL("no such actor"); });
    return result;
  };
  const auto shard = found("db0/shard-0");
  // Here and there, with a sender and without, of nobody and of one that lives.
  auto forge = [&](const caf::actor_addr& whom) {
    const caf::down_msg death{whom, caf::exit_reason::kill};
    caf::anon_send(caf::actor_cast<caf::actor>(f.root), death);
    caf::anon_send(caf::actor_cast<caf::actor>(*remote), death);
    self->send(caf::actor_cast<caf::actor>(*remote), death);
  };
  forge(nullptr);
  forge(shard->address());
  forge(caf::actor_cast<caf::actor_addr>(
    caf::actor_cast<caf::strong_actor_ptr>(f.uut->actor("db0").value())));
  forge(caf::actor_cast<caf::actor_addr>(self));
  auto stat = ask<runtime_stat>(self, *remote, runtime_stat_request{});
  REQUIRE(stat);
  CHECK(stat->regions.at(0).restarts == 0);
  CHECK(found("db0/shard-0") == shard);
  CHECK(f.uut->supervisor() == f.root);
  // A death that has happened counts.
  CHECK(ask<void>(self, *remote, kill_request{"db0/shard-0"}));
  eventually([&] {
    auto next = ask<runtime_stat>(self, *remote, runtime_stat_request{});
    return next && next->regions.at(0).restarts == 1;
  });
}
