// Why a key is in its state: the events that a store records.

#include <troupe/backends/memory/store/store.hpp>

#include <string>
#include <vector>

#include "catch.hpp"
#include "store_fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

using kind = key_event_kind;
using state = explanation::state;

struct explaining_fixture : store_fixture {
  explanation explain(const char* text) {
    auto result = uut.explain(key(text));
    REQUIRE(result);
    return *result;
  }

  /// The kinds of the events of a key, newest first.
  std::vector<kind> kinds(const char* text) {
    std::vector<kind> result;
    for (const auto& x : explain(text).events)
      result.push_back(x.kind);
    return result;
  }

  bool erase(const char* text) {
    return uut.erase(key(text)).value();
  }
};

using fixture = explaining_fixture;

} // namespace

TEST_CASE("a set records nothing and takes no memory", "[store][events]") {
  fixture f;
  f.set("a", "1");
  f.set("a", "2", {.ttl = 10s});
  CHECK(f.uut.entries().events().reserved() == 0);
  const auto found = f.explain("a");
  CHECK(found.is == state::present);
  CHECK(found.version == f.version("a"));
  CHECK(found.value_size == 1);
  CHECK(found.charge > 2);
  CHECK(found.ttl_left == 10s);
  CHECK_FALSE(found.idle_left);
  CHECK_FALSE(found.in_flight);
  CHECK_FALSE(found.updating);
  CHECK(found.events.empty());
}

TEST_CASE("with record_sets every stored value is recorded",
          "[store][events]") {
  store_fixture f;
  auto options = f.options(no_expiry, 0);
  options.record_sets = true;
  memory::store uut{options};
  const auto key = store_fixture::key("a");
  REQUIRE(uut.set(key, "1", {}));
  REQUIRE(uut.increment(key, 1));
  const auto found = uut.explain(key).value();
  REQUIRE(found.events.size() == 2);
  CHECK(found.events[0].kind == kind::stored);
  CHECK(found.events[0].sequence == found.version);
}

TEST_CASE("an erase is recorded with the version it took", "[store][events]") {
  fixture f;
  f.set("a", "1");
  f.set("b", "1");
  f.time.advance(5s);
  CHECK(f.erase("a"));
  CHECK_FALSE(f.erase("a"));
  const auto found = f.explain("a");
  CHECK(found.is == state::missing);
  CHECK(found.version == no_version);
  REQUIRE(found.events.size() == 1);
  CHECK(found.events[0].kind == kind::erased);
  CHECK(found.events[0].at == f.time.now());
  CHECK(found.events[0].sequence < f.uut.version());
  CHECK(f.explain("b").events.empty());
  // The version of a later value tells that it was stored afterwards.
  f.set("a", "2");
  const auto again = f.explain("a");
  CHECK(again.version > again.events[0].sequence);
}

TEST_CASE("an expired entry is explained before and after its sweep",
          "[store][events]") {
  fixture f;
  f.set("a", "1", {.ttl = 1s});
  const auto deadline = f.time.now() + 1s;
  f.time.advance(3s);
  auto found = f.explain("a");
  CHECK(found.is == state::expired);
  REQUIRE(found.events.size() == 1);
  CHECK(found.events[0].kind == kind::expired);
  CHECK(found.events[0].at == deadline);
  f.uut.sweep();
  CHECK(f.uut.entries().size() == 0);
  found = f.explain("a");
  CHECK(found.is == state::missing);
  REQUIRE(found.events.size() == 1);
  CHECK(found.events[0].kind == kind::expired);
  CHECK(found.events[0].at == deadline);
}

TEST_CASE("the idle time left is told beside the TTL left", "[store][events]") {
  fixture f;
  f.set("a", "1", {.ttl = 10s, .idle = 2s});
  f.time.advance(1s);
  const auto found = f.explain("a");
  CHECK(found.ttl_left == 9s);
  REQUIRE(found.idle_left);
  CHECK(*found.idle_left == 1s);
  // To explain is no use of the entry.
  f.time.advance(1s);
  CHECK(f.explain("a").is == state::expired);
}

TEST_CASE("the tag that killed an entry is recorded by its sweep",
          "[store][events][tags]") {
  fixture f;
  f.set("a", "1", {.tags = {"red", "blue"}});
  REQUIRE(f.invalidate("blue"));
  auto found = f.explain("a");
  CHECK(found.is == state::killed);
  CHECK(found.tags == std::vector<bytes>{"red", "blue"});
  CHECK(found.events.empty());
  while (f.uut.wants_sweep() && f.uut.entries().size() > 0)
    f.uut.sweep();
  found = f.explain("a");
  CHECK(found.is == state::missing);
  REQUIRE(found.events.size() == 1);
  CHECK(found.events[0].kind == kind::tag_invalidated);
  CHECK(found.events[0].name == "blue");
}

TEST_CASE("an eviction is recorded", "[store][events]") {
  store_fixture f;
  auto options = f.options(no_expiry, 0);
  options.shared.entries = std::make_shared<memory::budget>(1);
  memory::store uut{options};
  REQUIRE(uut.set(store_fixture::key("a"), "1", {}));
  REQUIRE(uut.set(store_fixture::key("b"), "1", {}));
  const auto found = uut.explain(store_fixture::key("a")).value();
  CHECK(found.is == state::missing);
  REQUIRE(found.events.size() == 1);
  CHECK(found.events[0].kind == kind::evicted);
}

TEST_CASE("a clear of the shard alone concerns each key", "[store][events]") {
  fixture f;
  f.set("a", "1");
  REQUIRE(f.uut.clear());
  CHECK(f.kinds("a") == std::vector{kind::cleared});
  CHECK(f.kinds("never") == std::vector{kind::cleared});
}

TEST_CASE("a rename is recorded for the key that it leaves",
          "[store][events]") {
  fixture f;
  f.set("a", "1");
  REQUIRE(f.uut.transfer(f.key("a"), f.uut, f.key("b"), {}));
  CHECK(f.kinds("a") == std::vector{kind::moved});
  CHECK(f.explain("b").is == state::present);
}

TEST_CASE("a load is in flight from its grant to its end", "[store][events]") {
  fixture f;
  REQUIRE(f.granted("a", 7));
  f.time.advance(3s);
  auto found = f.explain("a");
  CHECK(found.is == state::missing);
  REQUIRE(found.in_flight);
  CHECK(found.in_flight->id == 7);
  CHECK(found.in_flight->age == 3s);
  CHECK_FALSE(found.in_flight->fenced);
  SECTION("stored") {
    CHECK(f.commit("a", 7, "loaded"));
    CHECK(f.kinds("a") == std::vector{kind::load_stored, kind::load_granted});
    found = f.explain("a");
    CHECK(found.is == state::present);
    CHECK(found.events[0].sequence == found.version);
  }
  SECTION("released") {
    REQUIRE(f.uut.release_load(f.key("a"), 7));
    CHECK(f.kinds("a") == std::vector{kind::load_released, kind::load_granted});
  }
  SECTION("without a value") {
    REQUIRE(f.uut.commit_load(f.key("a"), 7, f.born, std::nullopt, {}));
    CHECK(f.kinds("a") == std::vector{kind::load_empty, kind::load_granted});
  }
  CHECK_FALSE(f.explain("a").in_flight);
}

TEST_CASE("the change that voided a load's lease is recorded",
          "[store][events]") {
  fixture f;
  REQUIRE(f.granted("a", 7));
  f.time.advance(1s);
  auto cause = kind::erased;
  SECTION("erase") {
    CHECK_FALSE(f.erase("a"));
  }
  SECTION("set") {
    f.set("a", "set");
    cause = kind::stored;
  }
  SECTION("update") {
    REQUIRE(f.uut.begin_update(f.key("a"), 1));
    CHECK(f.explain("a").updating);
    REQUIRE(f.uut.abandon_update(f.key("a"), 1));
    CHECK_FALSE(f.explain("a").updating);
    cause = kind::updating;
  }
  SECTION("clear of the region") {
    f.forgotten->clear();
    REQUIRE(f.uut.settle());
    cause = kind::cleared;
  }
  SECTION("failure of the shard") {
    f.uut.fence_loads();
    cause = kind::shard_failed;
  }
  auto found = f.explain("a");
  REQUIRE(found.events.size() == 2);
  CHECK(found.events[0].kind == kind::load_fenced);
  CHECK(found.events[0].cause == cause);
  CHECK(found.events[0].load == 7);
  REQUIRE(found.in_flight);
  CHECK(found.in_flight->fenced);
  CHECK(found.in_flight->age == 1s);
  CHECK_FALSE(f.commit("a", 7, "loaded"));
  found = f.explain("a");
  CHECK(found.events[0].kind == kind::load_refused);
  CHECK(found.events[0].cause == kind::load_fenced);
  CHECK_FALSE(found.in_flight);
}

TEST_CASE("a load that lost its lease stays in flight while others end",
          "[store][events]") {
  fixture f;
  REQUIRE(f.granted("a", 1));
  CHECK_FALSE(f.erase("a"));
  REQUIRE(f.granted("a", 2));
  CHECK_FALSE(f.erase("a"));
  CHECK_FALSE(f.commit("a", 1, "old"));
  const auto found = f.explain("a");
  REQUIRE(found.in_flight);
  CHECK(found.in_flight->id == 2);
  CHECK(found.in_flight->fenced);
  REQUIRE(f.uut.release_load(f.key("a"), 2));
  CHECK_FALSE(f.explain("a").in_flight);
}

TEST_CASE("the result of a load with an invalidated tag is refused for it",
          "[store][events][tags]") {
  fixture f;
  REQUIRE(f.granted("a", 7));
  REQUIRE(f.invalidate("red"));
  auto outcome
    = f.uut.commit_load(f.key("a"), 7, f.born, "v", {.tags = {"red"}});
  REQUIRE(outcome);
  CHECK_FALSE(outcome->stored);
  const auto found = f.explain("a");
  CHECK(found.events[0].kind == kind::load_refused);
  CHECK(found.events[0].cause == kind::tag_invalidated);
}

TEST_CASE("a clear with many loads leaves the events of other keys",
          "[store][events]") {
  fixture f;
  f.set("a", "1");
  CHECK(f.erase("a"));
  for (load_id i = 1; i <= 100; ++i)
    REQUIRE(f.granted(("k" + std::to_string(i)).c_str(), i));
  f.forgotten->clear();
  REQUIRE(f.uut.settle());
  CHECK(f.kinds("a") == std::vector{kind::erased});
  // A load whose end of the lease was not recorded is known to have lost it.
  for (load_id i = 1; i <= 100; ++i) {
    const auto found = f.explain(("k" + std::to_string(i)).c_str());
    REQUIRE(found.in_flight);
    CHECK(found.in_flight->fenced);
  }
}

TEST_CASE("an explanation has a bounded number of events", "[store][events]") {
  fixture f;
  for (int i = 0; i < 100; ++i) {
    f.set("a", "1");
    CHECK(f.erase("a"));
  }
  CHECK(f.explain("a").events.size() == defaults::explained_events);
}
