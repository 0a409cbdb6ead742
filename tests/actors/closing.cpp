#include <troupe/actors/runtime.hpp>

#include <atomic>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "actors/fixture.hpp"
#include "futures.hpp"

using namespace std::chrono_literals;
using namespace troupe;

namespace {

/// A runtime whose regions choose their number of shards themselves.
struct default_runtime {
  small_config cfg;
  caf::actor_system system{cfg};
  runtime uut{system};
  caf::scoped_actor self{system, true};

  expected<void> find(const std::string& name) {
    expected<void> result;
    self->request(uut.supervisor(), caf::infinite, find_actor_request{name})
      .receive(
        [](const std::string&, const caf::strong_actor_ptr&) {},
        [&](const caf::error& e) { result = tl::unexpected{from_caf(e)}; });
    return result;
  }

  std::vector<std::string> names(const std::string& prefix) {
    auto list
      = ask<actor_list>(self, uut.supervisor(), list_actors_request{prefix});
    REQUIRE(list);
    std::vector<std::string> result;
    for (auto& x : list->actors)
      result.push_back(x.name);
    return result;
  }
};

region_options closed_when_unused() {
  region_options result;
  result.close_when_unused = true;
  return result;
}

} // namespace

TEST_CASE("a closed region refuses, and its name is free", "[close]") {
  runtime_fixture f;
  auto numbers = f.uut->open<int>("x").value();
  auto bytes = f.uut->find("x").value();
  REQUIRE(numbers.set("k", 1));
  REQUIRE(f.uut->close("x"));
  CHECK(numbers.get("k").error() == errc::shutting_down);
  CHECK(numbers.set("k", 2).error() == errc::shutting_down);
  CHECK(numbers.erase("k").error() == errc::shutting_down);
  CHECK(bytes->clear().error() == errc::shutting_down);
  CHECK(bytes->update("k", [](auto) { return std::nullopt; }).error()
        == errc::shutting_down);
  CHECK(
    bytes
      ->get_or_set("other",
                   [](load_context&) -> expected<std::optional<troupe::bytes>> {
                     return std::nullopt;
                   })
      .error()
    == errc::shutting_down);
  CHECK(bytes->size() == 0);
  CHECK_FALSE(numbers.actor());
  CHECK(f.uut->find("x").error() == errc::unknown_region);
  CHECK(f.uut->actor("x").error() == errc::unknown_region);
  CHECK(f.uut->close("x").error() == errc::unknown_region);
  CHECK(f.uut->stat().regions.empty());
  auto list = f.ask<actor_list>(f.uut->supervisor(), list_actors_request{"x"});
  REQUIRE(list);
  CHECK(list->actors.empty());
  auto texts = f.uut->open<std::string>("x");
  REQUIRE(texts);
  CHECK(texts->get("k").absent());
  REQUIRE(texts->set("k", "text"));
  CHECK(texts->get("k") == "text");
  CHECK(f.row("x").state == "running");
  CHECK(numbers.get("k").error() == errc::shutting_down);
}

TEST_CASE("what cannot be closed is said so", "[close]") {
  runtime_fixture f;
  f.open("x");
  for (const auto* name : {"", "y", "supervisor", "x/shard-0"})
    CHECK(f.uut->close(name).error() == errc::unknown_region);
  f.opened.clear();
  f.uut->drain();
  CHECK(f.uut->close("x").error() == errc::shutting_down);
}

TEST_CASE("a region whose shards failed can be closed", "[close]") {
  runtime_options options;
  options.restart_limit = 0;
  runtime_fixture f{options};
  auto where = f.uut->open_region("x").value();
  f.kill("x/shard-1");
  CHECK(f.uut->supervision().shards_failed == 1);
  REQUIRE(f.uut->close("x"));
  CHECK(f.uut->supervision().failed == 0);
  CHECK(f.uut->supervision().shards_failed == 0);
  CHECK(f.uut->restart("x/shard-1").error() == errc::unknown_actor);
  REQUIRE(f.uut->open_region("x"));
  CHECK(f.row("x/shard-1").state == "running");
}

TEST_CASE("a load in flight is answered when its region is closed", "[close]") {
  runtime_fixture f;
  auto where = f.uut->open<std::string>("x").value();
  std::latch started{1};
  std::promise<void> go;
  auto load = std::async(std::launch::async, [&] {
    return where.get_or_set("k", [&](load_context&) {
      started.count_down();
      go.get_future().wait();
      return std::string{"loaded"};
    });
  });
  started.wait();
  REQUIRE(f.uut->close("x"));
  auto again = f.uut->open<std::string>("x").value();
  go.set_value();
  const auto answer = load.get();
  CHECK((answer == "loaded" || answer.error() == errc::shutting_down));
  CHECK(again.get("k").absent());
}

TEST_CASE("a region is closed while others use it", "[close]") {
  runtime_fixture f;
  verdict fine;
  for (int round = 0; round < 100; ++round) {
    crew(4, [&](int t) {
      for (int i = 0; i < 20; ++i) {
        if (t == 0 && i % 4 == 3) {
          const auto closed = f.uut->close("x");
          fine(closed || closed.error() == errc::unknown_region);
          continue;
        }
        auto where = f.uut->open<int>("x");
        fine(where.has_value());
        const auto key = std::to_string(i);
        const auto stored = where->set(key, i);
        fine(stored || stored.error() == errc::shutting_down);
        const auto found = where->get(key);
        fine(found.ok() ? found.absent() || found == i
                        : found.error() == errc::shutting_down);
        const auto loaded
          = where->get_or_set(key + "!", [i](load_context&) { return i; });
        fine(loaded ? *loaded == i : loaded.error() == errc::shutting_down);
      }
    });
  }
  REQUIRE(f.uut->open<int>("x"));
}

TEST_CASE("a region is closed when its last handle goes", "[close]") {
  runtime_fixture f;
  auto first = f.uut->open<int>("x", closed_when_unused()).value();
  REQUIRE(first.set("k", 1));
  CHECK(f.uut->open<int>("x", {}).error() == errc::invalid_argument);
  {
    auto second = f.uut->open<int>("x").value();
    auto third = f.uut->find("x").value();
    auto moved = std::move(first);
    CHECK(second.get("k") == 1);
  }
  eventually([&] { return f.uut->find("x").error() == errc::unknown_region; });
  CHECK(f.uut->open<std::string>("x").value().get("k").absent());
}

TEST_CASE("a region that is closed when unused outlives its runtime's end",
          "[close]") {
  std::optional<cache<int>> kept;
  {
    runtime_fixture f;
    kept = f.uut->open<int>("x", closed_when_unused()).value();
  }
  CHECK(kept->get("k").error() == errc::shutting_down);
}

TEST_CASE("last handles go while others open the region again", "[close]") {
  runtime_fixture f;
  verdict fine;
  crew(4, [&](int t) {
    for (int i = 0; i < 100; ++i) {
      auto where = f.uut->open<int>("x", closed_when_unused());
      fine(where.has_value());
      // A region with a handle is not closed.
      fine(where->set(std::to_string(t), i).yes());
      fine(where->get(std::to_string(t)) == i);
    }
  });
  eventually([&] { return f.uut->find("x").error() == errc::unknown_region; });
}

TEST_CASE("shards that are made later have actors", "[close]") {
  default_runtime f;
  auto where = f.uut.open_region("x").value();
  CHECK(f.names("x/").empty());
  const auto most = where->provider().part_count();
  const auto last = "x/shard-" + std::to_string(most - 1);
  CHECK(f.find(last));
  CHECK(f.names(last) == std::vector<std::string>{last});
  for (const auto* name : {"x/shard-", "x/shard-00", "x/shard-999", "x/y"})
    CHECK(f.find(name).error() == errc::unknown_actor);
  for (int i = 0; i < 1'000; ++i)
    REQUIRE(where->set(std::to_string(i), "v"));
  eventually([&] { return f.names("x/").size() == most; });
  // The names are in the order of numbers, not in the order in which shards were made.
  const auto names = f.names("x/");
  for (std::size_t i = 0; i < most; ++i)
    CHECK(names[i] == "x/shard-" + std::to_string(i));
  REQUIRE(f.uut.close("x"));
  CHECK(f.names("x").empty());
}
