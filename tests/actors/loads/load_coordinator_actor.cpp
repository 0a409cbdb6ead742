#include <troupe/actors/loads/load_coordinator_actor.hpp>

#include <future>
#include <latch>
#include <string>

#include "actors/fixture.hpp"
#include "futures.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

struct fixture : runtime_fixture {
  using runtime_fixture::runtime_fixture;

  ~fixture() {
    release();
  }

  /// Starts a load that runs until `release`, and waits until it runs.
  std::future<expected<std::optional<bytes>>>
  start_load(const std::string& key) {
    std::promise<void> started;
    auto running = started.get_future();
    auto result = get_or_set_async(
      *where, key, [this, &started](load_context&) -> expected<bytes> {
        started.set_value();
        go_on.wait();
        return bytes{"loaded"};
      });
    running.wait();
    return result;
  }

  void release() {
    if (!std::exchange(released, true))
      go_on.count_down();
  }

  std::latch go_on{1};
  bool released = false;
  std::shared_ptr<region> where = open();
  supervisor_actor front = uut->supervisor();
};

} // namespace

TEST_CASE("loads in flight are listed") {
  fixture f;
  CHECK(f.ask<load_list>(f.front, list_loads_request{})->loads.empty());
  auto first = f.start_load("a");
  f.time.advance(1s);
  auto second = f.start_load("b");
  f.time.advance(2s);
  auto list = f.ask<load_list>(f.front, list_loads_request{});
  REQUIRE(list);
  CHECK(list->total == 2);
  REQUIRE(list->loads.size() == 2);
  CHECK(list->loads[0].region == "db0");
  CHECK(list->loads[0].key == "a");
  CHECK(list->loads[0].age == 3s);
  CHECK(list->loads[0].remaining == defaults::load_timeout - 3s);
  CHECK(list->loads[0].attempt == 1);
  CHECK(list->loads[0].waiters == 1);
  CHECK_FALSE(list->loads[0].fenced);
  CHECK(list->loads[1].key == "b");
  auto short_list = f.ask<load_list>(f.front, list_loads_request{1});
  CHECK(short_list->loads.size() == 1);
  CHECK(short_list->total == 2);
  f.release();
  CHECK(*first.get() == "loaded");
  CHECK(*second.get() == "loaded");
}

TEST_CASE("circuit breakers are listed by name") {
  fixture f;
  CHECK(
    f.ask<breaker_list>(f.front, list_breakers_request{})->breakers.empty());
  auto where = f.uut->open<std::string>(
    "guarded", {.breaker = {.name = "database", .failures = 1}});
  REQUIRE(where);
  REQUIRE(where
            ->get_or_set("k",
                         []() -> expected<std::string> {
                           return fail(errc::load_failed, "down");
                         })
            .error()
          == errc::load_failed);
  const auto list = f.ask<breaker_list>(f.front, list_breakers_request{});
  REQUIRE(list);
  REQUIRE(list->breakers.size() == 1);
  CHECK(list->breakers[0].name == "database");
  CHECK(list->breakers[0].state == "open");
  CHECK(list->breakers[0].failures == 1);
  CHECK(list->breakers[0].remaining == defaults::breaker_open_for);
  // Regions share a breaker, with the same limits.
  CHECK(f.uut->open<std::string>(
    "guarded-too", {.breaker = {.name = "database", .failures = 1}}));
  const auto other = f.uut->open<std::string>(
    "different", {.breaker = {.name = "database", .failures = 2}});
  REQUIRE(!other);
  CHECK(other.error() == errc::invalid_argument);
}

TEST_CASE("an invalidated load is listed as fenced") {
  fixture f;
  auto loaded = f.start_load("a");
  REQUIRE(f.where->erase("a"));
  CHECK(f.ask<load_list>(f.front, list_loads_request{})->loads.at(0).fenced);
  f.release();
  CHECK(*loaded.get() == "loaded");
  CHECK(value_of(*f.where, "a") == "<none>");
}

TEST_CASE("a load is cancelled by message") {
  fixture f;
  auto loaded = f.start_load("a");
  auto id = f.ask<load_list>(f.front, list_loads_request{})->loads.at(0).id;
  CHECK(f.ask<void>(f.front, cancel_load_request{id}));
  CHECK(loaded.get().error() == errc::load_cancelled);
  CHECK(f.ask<void>(f.front, cancel_load_request{id}).error()
        == errc::unknown_load);
}

TEST_CASE("the clockwork notices a load that is overdue") {
  fixture f;
  auto loaded = f.start_load("a");
  f.time.advance(defaults::load_timeout);
  CHECK(loaded.get().error() == errc::load_timeout);
}

TEST_CASE("the clockwork lets expired entries go") {
  fixture f;
  write_options how;
  how.ttl = 1s;
  for (int i = 0; i < 1000; ++i)
    REQUIRE(f.where->set(std::to_string(i), "v", how));
  f.time.advance(2s);
  eventually([&] { return f.where->size() == 0; });
}

TEST_CASE("the coordinator's actor is always started again") {
  runtime_options options;
  options.restart_limit = 1;
  fixture f{options};
  auto loaded = f.start_load("a");
  for (int i = 0; i < 5; ++i) {
    // Asks until the one before has its successor.
    eventually([&] {
      return f.ask<void>(f.front, kill_request{"load-coordinator"}).has_value();
    });
  }
  // Loads survive, and the clockwork goes on.
  f.time.advance(defaults::load_timeout);
  CHECK(loaded.get().error() == errc::load_timeout);
}
