// Why a key of a region is in its state: the events of its shard and of the region.

#include <algorithm>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "futures.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

using kind = key_event_kind;
using state = explanation::state;

explanation explained(region& where, bytes_view key) {
  auto result = where.explain(key);
  REQUIRE(result);
  return *result;
}

std::vector<kind> kinds(region& where, bytes_view key) {
  std::vector<kind> result;
  for (const auto& x : explained(where, key).events)
    result.push_back(x.kind);
  return result;
}

} // namespace

TEST_CASE("a clear concerns every key and is recorded once",
          "[region][events]") {
  region_fixture f;
  REQUIRE(f.uut->set("a", "1"));
  f.time.advance(1s);
  REQUIRE(f.uut->clear());
  f.time.advance(1s);
  const auto found = explained(*f.uut, "a");
  CHECK(found.is == state::missing);
  REQUIRE(found.events.size() == 1);
  CHECK(found.events[0].kind == kind::cleared);
  CHECK(found.now - found.events[0].at == 1s);
  CHECK(kinds(*f.uut, "other") == std::vector{kind::cleared});
}

TEST_CASE("an invalidated tag concerns the keys that had it",
          "[region][events][tags]") {
  region_fixture f;
  write_options red;
  red.tags = {"red"};
  REQUIRE(f.uut->set("a", "1", red));
  REQUIRE(f.uut->set("b", "1"));
  f.time.advance(1s);
  REQUIRE(f.uut->invalidate_tag("red"));
  REQUIRE(f.uut->invalidate_tag("blue"));
  f.time.advance(1s);
  auto found = explained(*f.uut, "a");
  CHECK(found.is == state::killed);
  REQUIRE(found.events.size() == 1);
  CHECK(found.events[0].kind == kind::tag_invalidated);
  CHECK(found.events[0].name == "red");
  CHECK(explained(*f.uut, "b").events.empty());
  // After the sweep, the shard's record names the tag.
  for (int i = 0; i < 1'000 && f.uut->size() > 1; ++i)
    f.uut->tick();
  found = explained(*f.uut, "a");
  CHECK(found.is == state::missing);
  CHECK(kinds(*f.uut, "a")
        == std::vector{kind::tag_invalidated, kind::tag_invalidated});
}

TEST_CASE("a cleared namespace concerns its own keys only",
          "[region][events]") {
  region_options options;
  options.namespaces
    = {{.prefix = "s:", .max_bytes = std::size_t{1} << 20, .shards = 2},
       {.prefix = "s:long:", .max_bytes = std::size_t{1} << 20, .shards = 2}};
  region_fixture f{options};
  REQUIRE(f.uut->clear_namespace("s:"));
  CHECK(kinds(*f.uut, "s:1") == std::vector{kind::namespace_cleared});
  CHECK(explained(*f.uut, "s:1").events[0].name == "s:");
  CHECK(kinds(*f.uut, "s:long:1").empty());
  CHECK(kinds(*f.uut, "other").empty());
}

TEST_CASE("a load that an erase overtook is explained", "[region][events]") {
  region_fixture f;
  std::promise<void> running;
  std::promise<void> go_on;
  auto loaded
    = get_or_set_async(*f.uut, "a", [&](load_context&) -> expected<bytes> {
        running.set_value();
        go_on.get_future().wait();
        return "old";
      });
  running.get_future().wait();
  CHECK(explained(*f.uut, "a").in_flight.has_value());
  REQUIRE(f.uut->erase("a"));
  const auto fenced = explained(*f.uut, "a");
  REQUIRE(fenced.in_flight);
  CHECK(fenced.in_flight->fenced);
  go_on.set_value();
  CHECK(loaded.get() == "old");
  CHECK(
    kinds(*f.uut, "a")
    == std::vector{kind::load_refused, kind::load_fenced, kind::load_granted});
  CHECK_FALSE(explained(*f.uut, "a").in_flight);
}

TEST_CASE("a key of a shard that was never made has no events",
          "[region][events]") {
  manual_clock time;
  auto executor = std::make_shared<thread_executor>();
  auto loads = std::make_shared<load_coordinator>(time, 2);
  auto uut = open_region("test", {}, time, executor, loads);
  CHECK(explained(*uut, "a").is == state::missing);
  CHECK(explained(*uut, "a").events.empty());
  CHECK(uut->provider().parts_made() == 0);
  uut->stop();
}

TEST_CASE("an explanation comes without waiting, too", "[region][events]") {
  region_fixture f;
  REQUIRE(f.uut->set("a", "1"));
  std::promise<expected<explanation>> told;
  f.uut->explain_then(
    carried_key{bytes{"a"}},
    [&told](expected<explanation> x) { told.set_value(std::move(x)); });
  const auto found = told.get_future().get();
  REQUIRE(found);
  CHECK(found->is == state::present);
}

TEST_CASE("wrong keys and stopped regions are refused", "[region][events]") {
  region_options options;
  options.max_key_size = 4;
  region_fixture f{options};
  CHECK(f.uut->explain("12345").error() == errc::key_too_large);
  std::optional<error> told;
  f.uut->explain_then(carried_key{bytes{"12345"}},
                      [&told](expected<explanation> x) { told = x.error(); });
  CHECK(told == errc::key_too_large);
  f.uut->stop();
  CHECK(f.uut->explain("1").error() == errc::shutting_down);
}

TEST_CASE("keys are explained while other threads change them",
          "[region][events][threads]") {
  region_fixture f;
  constexpr int rounds = 2'000;
  std::thread changes{[&f] {
    for (int i = 0; i < rounds; ++i) {
      static_cast<void>(f.uut->set("a", "1"));
      static_cast<void>(f.uut->erase("a"));
      if (i % 100 == 0)
        static_cast<void>(f.uut->clear());
    }
  }};
  for (int i = 0; i < rounds; ++i) {
    const auto found = f.uut->explain("a");
    REQUIRE(found);
    REQUIRE(found->events.size() <= defaults::explained_events);
    REQUIRE(std::is_sorted(
      found->events.begin(), found->events.end(),
      [](const key_event& x, const key_event& y) { return x.at > y.at; }));
  }
  changes.join();
}
