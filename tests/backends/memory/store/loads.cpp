// Leases of loads (G3).

#include <troupe/backends/memory/store/store.hpp>

#include <variant>

#include "catch.hpp"
#include "store_fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

using fixture = store_fixture;

TEST_CASE("one load at a time holds a key's lease", "[store][loads]") {
  fixture f;
  CHECK(f.granted("a", 1));
  auto second = f.uut.acquire_load(f.key("a"), 2);
  REQUIRE(std::holds_alternative<load_joined>(*second));
  CHECK(std::get<load_joined>(*second).id == 1);
  CHECK(f.granted("b", 3));
  CHECK(f.commit("a", 1, "loaded"));
  auto third = f.uut.acquire_load(f.key("a"), 4);
  REQUIRE(std::holds_alternative<load_hit>(*third));
  CHECK(std::get<load_hit>(*third).value == "loaded");
}

TEST_CASE("a change after a load began voids its commit", "[store][loads]") {
  fixture f;
  f.set("a", "5", {.ttl = 1ms});
  f.time.advance(1ms);
  REQUIRE(f.granted("a", 1));
  auto* expected = "<none>";
  SECTION("erase, though there is nothing to erase") {
    CHECK(f.uut.erase(f.key("a")) == false);
  }
  SECTION("set") {
    f.set("a", "set");
    expected = "set";
  }
  SECTION("set_if_absent") {
    f.set("a", "set", {.condition = write_condition::if_absent});
    expected = "set";
  }
  SECTION("compare_and_set") {
    REQUIRE(*f.uut.compare_and_set(f.key("a"), no_version, "set", {}));
    expected = "set";
  }
  SECTION("increment") {
    REQUIRE(f.uut.increment(f.key("a"), 1));
    expected = "1";
  }
  SECTION("clear") {
    REQUIRE(f.uut.clear());
  }
  SECTION("an update under a lease that begins") {
    REQUIRE(f.uut.begin_update(f.key("a"), 9));
    REQUIRE(f.uut.abandon_update(f.key("a"), 9));
  }
  CHECK(f.uut.holds_load(f.key("a"), 1) == false);
  CHECK(!f.commit("a", 1, "stale"));
  CHECK(f.get("a") == expected);
}

TEST_CASE("what does not change a key leaves its load alone",
          "[store][loads]") {
  fixture f;
  REQUIRE(f.granted("a", 1));
  f.set("b", "other key");
  CHECK(!f.set("a", "x", {.condition = write_condition::if_present}));
  CHECK(f.uut.touch(f.key("a"), 1s) == false);
  CHECK(!*f.uut.compare_and_set(f.key("a"), 77, "x", {}));
  CHECK(f.commit("a", 1, "loaded"));
  CHECK(f.get("a") == "loaded");
}

TEST_CASE("after an erase a new load gets the lease and the old one nothing",
          "[store][loads]") {
  fixture f;
  REQUIRE(f.granted("a", 1));
  REQUIRE(f.uut.erase(f.key("a")));
  REQUIRE(f.granted("a", 2));
  CHECK(!f.commit("a", 1, "stale"));
  CHECK(f.uut.holds_load(f.key("a"), 2) == true);
  CHECK(f.commit("a", 2, "fresh"));
  CHECK(f.get("a") == "fresh");
}

TEST_CASE("a released lease is free again", "[store][loads]") {
  fixture f;
  REQUIRE(f.granted("a", 1));
  REQUIRE(f.uut.release_load(f.key("a"), 1));
  CHECK(!f.commit("a", 1, "late"));
  CHECK(f.granted("a", 2));
}
