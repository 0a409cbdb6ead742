#include <troupe/actors/testing/simulation.hpp>

#include <chrono>
#include <cstdlib>
#include <future>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/testing/explore.hpp>

#include "catch.hpp"
#include "region_shards.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using troupe::testing::explore;
using troupe::testing::simulation;
using troupe::testing::simulation_failed;

namespace {

bytes_loader brings(bytes value) {
  return [value = std::move(value)](
           load_context&) -> expected<std::optional<bytes>> { return value; };
}

/// The text of the failure of a run, or "".
std::string failure_of(simulation& sim) {
  try {
    sim.run();
  } catch (const simulation_failed& failure) {
    return failure.what();
  }
  return {};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The order in which three tasks make three steps each.
std::string order_of(std::uint64_t seed) {
  simulation sim{seed};
  std::string result;
  for (const char name : {'a', 'b', 'c'})
    sim.task(std::string{name}, [&sim, &result, name] {
      for (int i = 0; i < 3; ++i) {
        result += name;
        sim.step();
      }
    });
  sim.run();
  return result;
}

/// Two tasks that increment a number by read and write: one may be lost.
int racy_sum(simulation& sim) {
  auto where = sim.open("test").value();
  for (const char* name : {"one", "two"})
    sim.task(name, [&] {
      const auto old = where->get("n").value().value_or("0");
      REQUIRE(where->set("n", std::to_string(std::stoi(old) + 1)));
    });
  sim.run();
  return std::stoi(where->get("n").value().value());
}

} // namespace

TEST_CASE("a seed repeats the order of a simulation", "[testing]") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto first = order_of(seed);
    CHECK(first.size() == 9);
    CHECK(order_of(seed) == first);
    orders.insert(first);
  }
  CHECK(orders.size() > 20);
}

TEST_CASE("equal simulations have equal digests", "[testing]") {
  const auto run = [](std::uint64_t seed) {
    simulation sim{seed};
    auto where = sim.open("test", {.ttl = 20ms}).value();
    for (const char* name : {"a", "b", "c"})
      sim.task(name, [&] {
        for (int i = 0; i < 3; ++i) {
          REQUIRE(
            where->get_or_set("k", sim.flaky(brings("x"), {.longest = 9ms})));
          sim.sleep(7ms);
          REQUIRE(where->erase("k"));
        }
      });
    sim.run();
    CHECK(broken_table(*where) == "");
    return std::pair{sim.digest(), sim.steps()};
  };
  std::set<std::uint64_t> digests;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto first = run(seed);
    CHECK(run(seed) == first);
    digests.insert(first.first);
  }
  CHECK(digests.size() > 15);
}

TEST_CASE("virtual time moves when no task can go on", "[testing]") {
  simulation sim{3};
  const auto start = sim.time().now();
  std::vector<std::string> ends;
  sim.task("long", [&] {
    sim.sleep(48h);
    ends.push_back("long");
    CHECK(sim.time().now() == start + 48h);
  });
  sim.task("short", [&] {
    sim.sleep(5ms);
    ends.push_back("short");
    CHECK(sim.time().now() == start + 5ms);
  });
  sim.run();
  CHECK(ends == std::vector<std::string>{"short", "long"});
}

TEST_CASE("entries of a simulation expire in virtual time", "[testing]") {
  simulation sim{1};
  auto where = sim.open("test", {.ttl = 1min}).value();
  sim.task("user", [&] {
    REQUIRE(where->set("k", "v"));
    sim.sleep(59s);
    CHECK(where->get("k").value() == "v");
    sim.sleep(1s);
    CHECK(!where->get("k").value());
  });
  sim.run();
}

TEST_CASE("concurrent misses in a simulation run one loader", "[testing]") {
  explore({1, 100}, [](simulation& sim) {
    auto where = sim.open("test").value();
    int runs = 0;
    for (const char* name : {"a", "b", "c"})
      sim.task(name, [&,
                      on = sim.chance(50) ? load_on::pool : load_on::caller] {
        const auto value = where->get_or_set(
          "k", sim.flaky([&](load_context&) -> expected<std::optional<bytes>> {
            ++runs;
            return bytes{"v"};
          }),
          {}, {.on = on});
        sim.expect(value && *value == "v", "the value");
      });
    sim.run();
    CHECK(runs == 1);
    CHECK(broken_table(*where) == "");
  });
}

TEST_CASE("a load that takes too long in virtual time is replaced",
          "[testing]") {
  simulation sim{7};
  auto where = sim.open("test", {.load_timeout = 100ms}).value();
  sim.task("slow", [&] {
    const auto answer = where->get_or_load(
      "k", [&](load_context&) -> expected<std::optional<bytes>> {
        sim.sleep(10s);
        return bytes{"late"};
      });
    CHECK(answer.fenced);
    CHECK(answer.value.value() == "late");
  });
  const auto start = sim.time().now();
  sim.task("next", [&] {
    sim.sleep(10ms);
    const auto answer = where->get_or_load("k", brings("new"));
    CHECK(answer.value.value() == "new");
    CHECK(answer.origin == load_origin::loaded);
    CHECK(sim.time().now() - start <= 100ms + 2 * 20ms);
  });
  sim.run();
  CHECK(where->get("k").value() == "new");
}

TEST_CASE("loads without waiting run on simulated threads", "[testing]") {
  explore({1, 50}, [](simulation& sim) {
    auto where = sim.open("test").value();
    std::optional<std::string> got;
    sim.task("asks", [&] {
      where->get_or_set_then(
        carried_key{bytes{"k"}}, sim.flaky(brings("v")), {},
        [&](expected<std::optional<bytes>> x) { got = x.value(); });
      sim.wait_until("the value is there", [&] { return got.has_value(); });
    });
    sim.run();
    CHECK(got == "v");
  });
}

TEST_CASE("a deadlock of a simulation names what each task waits for",
          "[testing]") {
  simulation sim{11};
  bool a = false;
  bool b = false;
  sim.task("first", [&] {
    sim.wait_until("b is set", [&] { return b; });
    a = true;
  });
  sim.task("second", [&] {
    sim.wait_until("a is set", [&] { return a; });
    b = true;
  });
  const auto text = failure_of(sim);
  CHECK(contains(text, "seed 11"));
  CHECK(contains(text, "TROUPE_SEED=11"));
  CHECK(contains(text, "deadlock"));
  CHECK(contains(text, "first waits until b is set"));
  CHECK(contains(text, "second waits until a is set"));
}

TEST_CASE("callers of a loader that never ends are a deadlock", "[testing]") {
  simulation sim{2};
  auto where
    = sim.open("test", {.load_timeout = 1s, .load_attempts = 1}).value();
  const auto stuck = [&](load_context&) -> expected<std::optional<bytes>> {
    sim.wait_until("the source answers", [] { return false; });
    return bytes{};
  };
  sim.task("only", [&] { static_cast<void>(where->get_or_set("k", stuck)); });
  const auto text = failure_of(sim);
  CHECK(contains(text, "only waits until the source answers"));
}

TEST_CASE("a task that throws ends the run", "[testing]") {
  simulation sim{5};
  bool reached = false;
  sim.task("bad", [&] {
    sim.step("before");
    throw std::runtime_error{"wrong value"};
  });
  sim.task("waits", [&] {
    sim.wait_until("never", [] { return false; });
    reached = true;
  });
  const auto text = failure_of(sim);
  CHECK(contains(text, "task 'bad' threw: wrong value"));
  CHECK(contains(text, "seed 5"));
  CHECK(contains(text, "bad: before"));
  CHECK(!reached);
}

TEST_CASE("a failed expectation in a loader ends the run", "[testing]") {
  simulation sim{5};
  auto where = sim.open("test").value();
  bool reached = false;
  sim.task("loads", [&] {
    static_cast<void>(where->get_or_set(
      "k", [&](load_context&) -> expected<std::optional<bytes>> {
        sim.expect(1 + 1 == 3, "sums are right");
        return bytes{};
      }));
    reached = true;
  });
  CHECK(contains(failure_of(sim), "sums are right"));
  CHECK(!reached);
}

TEST_CASE("a run that does not end fails", "[testing]") {
  simulation sim{1, {.most_steps = 1000}};
  sim.task("turns", [&] {
    for (;;)
      sim.step();
  });
  CHECK(contains(failure_of(sim), "1000 steps"));
}

TEST_CASE("wait_until ends at its deadline", "[testing]") {
  simulation sim{1};
  sim.task("waits", [&] {
    const auto start = sim.time().now();
    CHECK(!sim.wait_until(
      "never", [] { return false; }, start + 3s));
    CHECK(sim.time().now() == start + 3s);
    CHECK(sim.wait_until(
      "at once", [] { return true; }, start));
  });
  sim.run();
}

TEST_CASE("tasks of a simulation add tasks", "[testing]") {
  simulation sim{1};
  int sum = 0;
  sim.task("outer", [&] {
    for (int i = 1; i <= 3; ++i)
      sim.task("inner", [&, i] { sum += i; });
  });
  sim.run();
  CHECK(sum == 6);
}

TEST_CASE("wrong uses of a simulation are refused", "[testing]") {
  CHECK_THROWS_AS((simulation{1, {.loader_threads = 0}}),
                  std::invalid_argument);
  CHECK_THROWS_AS((simulation{1, {.tick = 0ns}}), std::invalid_argument);
  CHECK_THROWS_AS((simulation{1, {.patience = 1ns}}), std::invalid_argument);
  CHECK_THROWS_AS((simulation{1, {.most_steps = 0}}), std::invalid_argument);
  simulation sim{1};
  CHECK(sim.open("test", {.jitter = 2.0}).error() == errc::invalid_argument);
  CHECK_THROWS_AS(sim.wait_until("x", [] { return true; }), std::logic_error);
  CHECK_THROWS_AS(sim.expect(false, "outside"), simulation_failed);
  simulation other{1};
  other.run();
  CHECK_THROWS_AS(other.run(), std::logic_error);
}

TEST_CASE("explore finds a lost update and its seed repeats it", "[testing]") {
  std::uint64_t bad = 0;
  CHECK_THROWS_AS(explore({1, 1000},
                          [&](simulation& sim) {
                            if (racy_sum(sim) != 2) {
                              bad = sim.seed();
                              sim.fail("an update was lost");
                            }
                          }),
                  simulation_failed);
  REQUIRE(bad != 0);
  simulation again{bad};
  CHECK(racy_sum(again) == 1);
}

TEST_CASE("TROUPE_SEED chooses the only seed", "[testing]") {
  REQUIRE(::setenv("TROUPE_SEED", "77", 1) == 0);
  std::vector<std::uint64_t> seen;
  CHECK(explore({1, 5}, [&](simulation& sim) { seen.push_back(sim.seed()); })
        == 1);
  CHECK(seen == std::vector<std::uint64_t>{77});
  REQUIRE(::setenv("TROUPE_SEED", "7x", 1) == 0);
  CHECK_THROWS_AS(explore({1, 5}, [](simulation&) {}), std::invalid_argument);
  REQUIRE(::unsetenv("TROUPE_SEED") == 0);
}
