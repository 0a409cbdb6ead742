// Updates under a lease.

#include <troupe/backends/memory/store/store.hpp>

#include <optional>

#include "catch.hpp"
#include "store_fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

using fixture = store_fixture;

TEST_CASE("an update under a lease stores over what it read",
          "[store][updates]") {
  fixture f;
  f.set("a", "1");
  auto began = f.uut.begin_update(f.key("a"), 7);
  REQUIRE(began);
  CHECK(began->value == "1");
  CHECK(f.uut.updates().held("a"));
  CHECK(f.uut.commit_update(f.key("a"), 7, "2", {}) == update_outcome::stored);
  CHECK(f.get("a") == "2");
  CHECK(!f.uut.updates().held("a"));
}

TEST_CASE("a blind write overtakes an update and stays", "[store][updates]") {
  fixture f;
  f.set("a", "1");
  REQUIRE(f.uut.begin_update(f.key("a"), 7));
  auto* expected = "<none>";
  SECTION("set") {
    f.set("a", "blind");
    expected = "blind";
  }
  SECTION("erase") {
    REQUIRE(f.uut.erase(f.key("a")));
  }
  SECTION("clear") {
    REQUIRE(f.uut.clear());
  }
  CHECK(f.uut.commit_update(f.key("a"), 7, "2", {})
        == update_outcome::overtaken);
  CHECK(f.get("a") == expected);
}

TEST_CASE("a load does not commit into an update", "[store][updates]") {
  fixture f;
  REQUIRE(f.uut.begin_update(f.key("a"), 7));
  REQUIRE(f.granted("a", 1));
  CHECK(!f.commit("a", 1, "loaded"));
  CHECK(f.uut.commit_update(f.key("a"), 7, "2", {}) == update_outcome::stored);
  CHECK(f.get("a") == "2");
}

TEST_CASE("an overdue update lease is lost", "[store][updates]") {
  fixture f;
  REQUIRE(f.uut.begin_update(f.key("a"), 7));
  f.time.advance(defaults::op_timeout);
  f.uut.sweep();
  CHECK(!f.uut.updates().held("a"));
  CHECK(f.uut.commit_update(f.key("a"), 7, "2", {}) == update_outcome::lost);
  CHECK(f.get("a") == "<none>");
}

TEST_CASE(
  "an update counts as before an invalidation only of what had not expired",
  "[store][updates]") {
  fixture f;
  write_options tagged;
  tagged.tags.add("t");
  tagged.ttl = 20ms;
  auto begin = [&](std::uint64_t token) {
    f.set("k", "1", tagged);
    auto began = f.uut.begin_update(fixture::key("k"), token);
    REQUIRE(began);
    CHECK(began->value == "1");
  };
  auto commit = [&](std::uint64_t token) {
    return f.uut.commit_update(fixture::key("k"), token, "2", tagged);
  };
  begin(1);
  REQUIRE(f.invalidate("t"));
  CHECK(commit(1) == update_outcome::overtaken);
  // A reader may have found the key absent before the invalidation.
  begin(2);
  f.time.advance(21ms);
  REQUIRE(f.invalidate("t"));
  CHECK(commit(2) == update_outcome::changed);
  CHECK(f.get("k") == "<none>");
}

TEST_CASE("an update may erase", "[store][updates]") {
  fixture f;
  f.set("a", "1");
  REQUIRE(f.uut.begin_update(f.key("a"), 7));
  CHECK(f.uut.commit_update(f.key("a"), 7, std::nullopt, {})
        == update_outcome::stored);
  CHECK(f.get("a") == "<none>");
}
