#include <troupe/actors/supervision/supervisor.hpp>

#include <atomic>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <troupe/actors/supervision/process.hpp>

#include "catch.hpp"
#include "progress.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

/// Stands for the actors of a runtime: each start gives a new number.
struct theatre {
  explicit theatre(std::uint32_t limit = 2)
    : tree(time, limit, 10s,
           [this](std::string_view line) { said.emplace_back(line); }) {
    // nop
  }

  child_spec child(const std::string& name, const std::string& parent = "",
                   bool always = false) {
    child_spec result;
    result.name = name;
    result.parent = parent;
    result.kind = "part";
    result.start = [this, name](bool again) {
      if (broken)
        throw std::runtime_error("no actor for you");
      if (again)
        ++restarted[name];
      return playing[name] = ++last;
    };
    result.watch = [this, name] { watched.push_back(name); };
    result.end
      = [this, name](bool crash) { (crash ? crashed : ended).push_back(name); };
    if (!always)
      result.give_up = [this, name] { given_up.push_back(name); };
    result.figures = [this, name] {
      return child_figures{1, 2, 3, playing[name]};
    };
    return result;
  }

  void add(const std::string& name, const std::string& parent = "") {
    REQUIRE(tree.add(child(name, parent)));
  }

  void crash(const std::string& name) {
    tree.ended(playing[name]);
  }

  child_state state(const std::string& name) {
    auto rows = tree.list(name);
    REQUIRE_FALSE(rows.empty());
    return rows[0].state;
  }

  using names = std::vector<std::string>;

  manual_clock time;
  names said; ///< By report.
  supervisor tree;
  bool broken = false;
  std::uint64_t last = 0;
  std::map<std::string, std::uint64_t> playing;
  std::map<std::string, int> restarted;
  names watched;
  names crashed;
  names ended;
  names given_up;
};

} // namespace

TEST_CASE("a supervisor starts its children and lists parents first") {
  theatre t;
  t.add("b");
  t.add("b/1", "b");
  t.add("a");
  auto rows = t.tree.list("");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].name == "b");
  CHECK(rows[1].name == "b/1");
  CHECK(rows[1].parent == "b");
  CHECK(rows[1].kind == "part");
  CHECK(rows[1].state == child_state::running);
  CHECK(rows[1].restarts == 0);
  CHECK(rows[1].figures.keys == t.playing["b/1"]);
  CHECK(t.tree.list("b").size() == 2);
  CHECK(t.tree.list("c").empty());
  CHECK(t.tree.size() == 3);
}

TEST_CASE("a supervisor takes each name once") {
  theatre t;
  t.add("a");
  CHECK(t.tree.add(t.child("a")).error() == errc::invalid_argument);
  CHECK(t.tree.size() == 1);
}

TEST_CASE("a child that cannot be started is not added") {
  theatre t;
  t.broken = true;
  CHECK_THROWS_AS(t.tree.add(t.child("a")), std::runtime_error);
  CHECK(t.tree.size() == 0);
  t.broken = false;
  t.add("a");
}

TEST_CASE("a supervisor starts a crashed child again, and no other") {
  theatre t;
  t.add("a");
  t.add("b");
  auto before = t.playing["b"];
  t.crash("a");
  CHECK(t.state("a") == child_state::running);
  CHECK(t.tree.list("a")[0].restarts == 1);
  CHECK(t.restarted["a"] == 1);
  CHECK(t.playing["b"] == before);
}

TEST_CASE("a death counts once, however often it is reported") {
  theatre t;
  t.add("a");
  auto first = t.playing["a"];
  for (int i = 0; i < 10; ++i)
    t.tree.ended(first);
  CHECK(t.restarted["a"] == 1);
  t.tree.ended(12345);
  CHECK(t.restarted["a"] == 1);
}

TEST_CASE("a child that crashes too often within the window stays down") {
  theatre t{2};
  t.add("a");
  t.crash("a");
  t.time.advance(4s);
  t.crash("a");
  t.time.advance(5s);
  CHECK(t.given_up.empty());
  t.crash("a");
  CHECK(t.state("a") == child_state::failed);
  CHECK(t.given_up == theatre::names{"a"});
  CHECK(t.tree.list("a")[0].restarts == 2);
  CHECK(t.tree.kill("a").error() == errc::unknown_actor);
}

TEST_CASE("crashes outside the window are forgotten") {
  theatre t{2};
  t.add("a");
  for (int i = 0; i < 20; ++i) {
    t.crash("a");
    t.time.advance(5s);
  }
  CHECK(t.state("a") == child_state::running);
  CHECK(t.restarted["a"] == 20);
}

TEST_CASE("a limit of zero gives a child up at its first crash") {
  theatre t{0};
  t.add("a");
  t.crash("a");
  CHECK(t.state("a") == child_state::failed);
}

TEST_CASE("a child that must not be given up never is") {
  theatre t{1};
  REQUIRE(t.tree.add(t.child("a", "", true)));
  for (int i = 0; i < 100; ++i)
    t.crash("a");
  CHECK(t.state("a") == child_state::running);
  CHECK(t.restarted["a"] == 100);
}

TEST_CASE("a child that cannot be started again is given up") {
  theatre t;
  t.add("a");
  t.broken = true;
  t.crash("a");
  CHECK(t.state("a") == child_state::failed);
  CHECK(t.given_up == theatre::names{"a"});
}

TEST_CASE("a child that was given up is started again by order") {
  theatre t{1};
  t.add("a");
  t.crash("a");
  t.crash("a");
  REQUIRE(t.state("a") == child_state::failed);
  CHECK(t.tree.figures().failed == 1);
  REQUIRE(t.tree.restart("a"));
  CHECK(t.state("a") == child_state::running);
  CHECK(t.restarted["a"] == 2);
  CHECK(t.tree.list("a")[0].restarts == 2);
  CHECK(t.tree.figures().failed == 0);
  // Its crashes of before do not count any more.
  t.crash("a");
  CHECK(t.state("a") == child_state::running);
  t.crash("a");
  CHECK(t.state("a") == child_state::failed);
  CHECK(t.given_up == theatre::names{"a", "a"});
}

TEST_CASE("only a child that stays down is started by order") {
  theatre t;
  t.add("a");
  auto refused = t.tree.restart("a");
  CHECK(refused.error() == errc::invalid_argument);
  CHECK(refused.error().text()
        == "a is running; only an actor that has failed can be started again");
  CHECK(t.restarted.empty());
  CHECK(t.tree.restart("b").error() == errc::unknown_actor);
  t.tree.begin_stop();
  CHECK(t.tree.restart("a").error() == errc::shutting_down);
}

TEST_CASE("a child that cannot be started by order stays down") {
  theatre t{0};
  t.add("a");
  t.crash("a");
  t.broken = true;
  auto refused = t.tree.restart("a");
  CHECK(refused.error() == errc::system_error);
  CHECK(refused.error().text().find("no actor for you") != std::string::npos);
  CHECK(t.state("a") == child_state::failed);
  CHECK(t.tree.figures().failed == 1);
  t.broken = false;
  CHECK(t.tree.restart("a"));
  CHECK(t.state("a") == child_state::running);
}

TEST_CASE(
  "each crash, restart and giving up is reported in a line and counted") {
  theatre t{1};
  t.add("a");
  t.tree.ended(t.playing["a"], "exit:kill");
  CHECK(t.said
        == theatre::names{
          "a crashed (exit:kill); crash 1 within 10000 ms, restart-limit is 1",
          "a runs again"});
  t.said.clear();
  t.crash("a");
  CHECK(t.said
        == theatre::names{
          "a crashed; crash 2 within 10000 ms, restart-limit is 1",
          "a is given up after crash 2 within 10000 ms (restart-limit is 1); "
          "'restart a' in troupe-console starts it again"});
  t.said.clear();
  REQUIRE(t.tree.restart("a"));
  CHECK(t.said == theatre::names{"a runs again, by order"});
  auto figures = t.tree.figures();
  CHECK(figures.crashes == 2);
  CHECK(figures.restarts == 2);
  CHECK(figures.failed == 0);
  CHECK(figures.shards_failed == 0);
  // An end in order is none of them.
  t.said.clear();
  t.tree.begin_stop();
  t.crash("a");
  CHECK(t.said.empty());
  CHECK(t.tree.figures().crashes == 2);
}

TEST_CASE("killing ends a child as a crash would") {
  theatre t;
  t.add("a");
  REQUIRE(t.tree.kill("a"));
  CHECK(t.crashed == theatre::names{"a"});
  CHECK(t.tree.kill("b").error() == errc::unknown_actor);
}

TEST_CASE("a new supervisor actor has everybody watched") {
  theatre t{0};
  t.add("a");
  t.add("b");
  t.add("c");
  t.crash("b");
  t.tree.watch_all();
  CHECK(t.watched == theatre::names{"a", "c"});
}

TEST_CASE("stopping ends the youngest first and starts nothing") {
  theatre t;
  t.add("a");
  t.add("a/1", "a");
  t.add("b");
  t.tree.begin_stop();
  CHECK(t.ended == theatre::names{"b", "a/1", "a"});
  t.crash("b");
  t.crash("a/1");
  t.crash("a");
  CHECK(t.restarted.empty());
  CHECK(
    t.tree.await_stopped(std::chrono::steady_clock::now() + 10s, 0ms, 10).count
    == 0);
  CHECK(t.state("a") == child_state::stopped);
  CHECK(t.tree.add(t.child("d")).error() == errc::shutting_down);
}

TEST_CASE("a child leaves with its children, and their names are free") {
  theatre t{0};
  t.add("a");
  t.add("b");
  t.add("a/1", "a");
  t.add("a/2", "a");
  t.crash("a/2");
  CHECK(t.tree.figures().failed == 1);
  const auto leaving = t.tree.dismiss("a");
  CHECK(t.ended == theatre::names{"a/1", "a"});
  // Their ends are no crashes.
  t.crash("a");
  t.crash("a/1");
  t.tree.await_departed(leaving, 10s);
  CHECK(t.restarted.empty());
  CHECK(t.tree.size() == 1);
  CHECK(t.tree.figures().failed == 0);
  CHECK(t.tree.kill("a").error() == errc::unknown_actor);
  CHECK(t.tree.restart("a/2").error() == errc::unknown_actor);
  t.add("a");
  t.add("a/2", "a");
  CHECK(t.state("a/2") == child_state::running);
}

TEST_CASE("a child that leaves and does not end is not waited for for ever") {
  theatre t;
  t.add("a");
  t.tree.await_departed(t.tree.dismiss("a"), 0ms);
  CHECK(t.tree.size() == 0);
  // Late, and unknown by then.
  t.crash("a");
  CHECK(t.restarted.empty());
}

TEST_CASE("children are listed behind their parents, whenever they came") {
  theatre t;
  t.add("a");
  t.add("b");
  for (const auto* name : {"a/10", "a/2", "a/1"})
    t.add(name, "a");
  theatre::names listed;
  for (auto& x : t.tree.list(""))
    listed.push_back(x.name);
  CHECK(listed == theatre::names{"a", "a/1", "a/2", "a/10", "b"});
}

TEST_CASE("what does not end is named at the deadline") {
  theatre t;
  t.add("a");
  t.add("b");
  t.tree.begin_stop();
  t.crash("b");
  auto left = t.tree.await_stopped(std::chrono::steady_clock::now(), 0ms, 10);
  CHECK(left.names == theatre::names{"a"});
  CHECK(left.count == 1);
}

TEST_CASE("of many that do not end the first are named and all are counted") {
  theatre t;
  for (int i = 0; i < 1'000; ++i)
    t.add("child-" + std::to_string(i));
  t.tree.begin_stop();
  t.crash("child-1");
  auto left = t.tree.await_stopped(std::chrono::steady_clock::now(), 0ms, 3);
  CHECK(left.names == theatre::names{"child-0", "child-2", "child-3"});
  CHECK(left.count == 999);
}

TEST_CASE("actors that end one after the other are not stuck") {
  theatre t;
  constexpr int count = 20;
  for (int i = 0; i < count; ++i)
    t.add("child-" + std::to_string(i));
  t.tree.begin_stop();
  std::jthread ending{[&] {
    for (int i = 0; i < count; ++i) {
      t.crash("child-" + std::to_string(i));
      std::this_thread::yield();
    }
  }};
  // The deadline has passed; the patience, for one actor, is what counts.
  auto left = t.tree.await_stopped(std::chrono::steady_clock::now(), 60s, 3);
  CHECK(left.count == 0);
}

// With a walk over all of them for each that comes or ends this is 10^11 steps,
// and the test program's time limit comes first.
TEST_CASE(
  "a supervisor of 300,000 actors looks at none but the one in question",
  "[heavy]") {
  constexpr std::uint64_t count = 300'000;
  manual_clock time;
  supervisor tree{time, 3, 60s};
  std::uint64_t started = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    child_spec spec;
    spec.name
      = "region-" + std::to_string(i / 33) + "/shard-" + std::to_string(i % 33);
    spec.start = [&started](bool) { return ++started; };
    spec.end = [](bool) {};
    REQUIRE(tree.add(std::move(spec)));
  }
  for (std::uint64_t i = 1; i <= count; ++i)
    tree.ended(i); // A crash: started again.
  CHECK(started == 2 * count);
  tree.begin_stop();
  for (std::uint64_t i = count + 1; i <= 2 * count; ++i)
    tree.ended(i);
  CHECK(tree.await_stopped(std::chrono::steady_clock::now(), 0ms, 1).count
        == 0);
  CHECK(tree.size() == count);
}

TEST_CASE("a supervisor may be asked from many threads while actors crash") {
  theatre t{1'000'000};
  std::vector<std::string> names;
  for (int i = 0; i < 8; ++i)
    names.push_back("child-" + std::to_string(i));
  for (auto& name : names)
    t.add(name);
  busy_crew lookers{2, [&](unsigned) {
                      return [&] {
                        // The figures of this theatre are not made for threads.
                        static_cast<void>(t.tree.list("none"));
                        static_cast<void>(t.tree.kill("none"));
                        static_cast<void>(t.tree.size());
                      };
                    }};
  for (int i = 0; i < 2000; ++i) {
    t.crash(names[static_cast<std::size_t>(i) % names.size()]);
    if (i % 200 == 0)
      lookers.await_rounds();
  }
  lookers.stop();
  for (auto& name : names)
    CHECK(t.state(name) == child_state::running);
}

TEST_CASE("a process knows its use of memory and processor") {
  auto x = measure_process();
  CHECK(x.process_id != 0);
  CHECK(x.resident_bytes > 0);
  CHECK(x.processor_time >= 0ms);
}
