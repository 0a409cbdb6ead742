// Large values that several entries have, one after the other or at once: moved and
// copied to other keys, and given deadlines.

#include <algorithm>
#include <map>
#include <string>

#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/backends/memory/space/value_buffer.hpp>
#include <troupe/backends/memory/store/store.hpp>

#include "catch.hpp"
#include "large_store.hpp"

using namespace std::chrono_literals;
using namespace troupe;
using memory::budget;
using memory::store;
using memory::table;

TEST_CASE("a large value moves to another key without a copy",
          "[large][sharing]") {
  store a{{}};
  store b{{}};
  for (std::size_t size : {large, std::size_t{9'000'000}}) {
    for (auto* to : {&a, &b}) {
      const auto text = pattern(size, 1);
      write_options how;
      how.ttl = 1h;
      put(a, "source", text, how);
      const auto* place = place_of(a, "source");
      const auto charged = charge_of(a, "source");
      CHECK(transfer(a, "source", *to, "target") == transfer_result::done);
      CHECK(value_of(a, "source") == "(none)");
      CHECK(value_of(*to, "target") == text);
      CHECK(place_of(*to, "target") == place);
      CHECK(charge_of(*to, "target") == charged);
      CHECK(to->entries().expiring() == 1);
      check(a);
      check(b);
      REQUIRE(to->erase(hashed("target")));
      check(a);
      check(b);
    }
  }
}

TEST_CASE("a small value moves to another key", "[large][sharing]") {
  store a{{}};
  store b{{}};
  for (auto* to : {&a, &b}) {
    put(a, "source", "value");
    put(*to, "target", pattern(large, 1));
    CHECK(transfer(a, "source", *to, "target") == transfer_result::done);
    CHECK(value_of(a, "source") == "(none)");
    CHECK(value_of(*to, "target") == "value");
    CHECK(a.entries().size() + b.entries().size() == 1);
    REQUIRE(to->erase(hashed("target")));
    check(a);
    check(b);
  }
}

TEST_CASE("a transfer does nothing without a source or over a target",
          "[large][sharing]") {
  store a{{}};
  put(a, "target", pattern(large, 1));
  CHECK(transfer(a, "source", a, "target") == transfer_result::absent);
  put(a, "source", pattern(large, 2));
  CHECK(transfer(a, "source", a, "target", {.if_absent = true})
        == transfer_result::exists);
  CHECK(value_of(a, "source") == pattern(large, 2));
  CHECK(value_of(a, "target") == pattern(large, 1));
  check(a);
}

TEST_CASE("a copy of a large value shares it until one is changed",
          "[large][sharing]") {
  store a{{}};
  store b{{}};
  for (auto* to : {&a, &b}) {
    auto text = pattern(large, 1);
    put(a, "source", text);
    // Room for what is appended later.
    REQUIRE(apply(a, "source", edit::append("x")));
    text += "x";
    CHECK(transfer(a, "source", *to, "target", copying)
          == transfer_result::done);
    CHECK(place_of(*to, "target") == place_of(a, "source"));
    CHECK(charge_of(*to, "target") == charge_of(a, "source"));
    check(a);
    check(b);
    const auto* place = place_of(a, "source");
    REQUIRE(apply(*to, "target", edit::append("target")));
    REQUIRE(apply(a, "source", edit::append("source")));
    CHECK(value_of(*to, "target") == text + "target");
    CHECK(value_of(a, "source") == text + "source");
    // The one that is left alone with it appends in place.
    CHECK(place_of(a, "source") == place);
    CHECK(place_of(*to, "target") != place);
    REQUIRE(to->erase(hashed("target")));
    check(a);
    check(b);
  }
}

TEST_CASE("a copy outlives the store that it was made from",
          "[large][sharing]") {
  store b{{}};
  {
    store a{{}};
    put(a, "k", pattern(large, 1));
    transfer(a, "k", b, "k", copying);
    SECTION("cleared before") {
      REQUIRE(a.clear());
    }
    SECTION("as it was") {}
  }
  CHECK(value_of(b, "k") == pattern(large, 1));
  REQUIRE(apply(b, "k", edit::append("more")));
  CHECK(value_of(b, "k") == pattern(large, 1) + "more");
  check(b);
}

TEST_CASE("a large value gets a deadline without a copy", "[large][sharing]") {
  store uut{{}};
  put(uut, "k", pattern(large, 1));
  const auto* place = place_of(uut, "k");
  REQUIRE(uut.touch(hashed("k"), 1h));
  CHECK(place_of(uut, "k") == place);
  CHECK(uut.entries().expiring() == 1);
  check(uut);
  REQUIRE(uut.touch(hashed("k"), no_expiry));
  CHECK(place_of(uut, "k") == place);
  CHECK(uut.entries().expiring() == 0);
  check(uut);
}

TEST_CASE("a move at the limit evicts nothing", "[large][sharing]") {
  const auto policy = GENERATE(eviction_policy::s3_fifo, eviction_policy::clock,
                               eviction_policy::none);
  two_stores uut{16 << 20, policy};
  put(*uut.all[0], "k", pattern(1'900'000, 1));
  const auto small = pattern(200, 1);
  for (std::size_t i = 0; i < 200'000; ++i) {
    const auto key = std::to_string(i);
    if (!uut.all[i % 2]->set(hashed(key), small, {}))
      break;
    if (uut.evictions() > 0)
      break;
  }
  // The large one may have been the one to go.
  if (value_of(*uut.all[0], "k") == "(none)")
    put(*uut.all[0], "k", pattern(1'900'000, 1));
  REQUIRE(uut.limit->lent() + 1'000 > uut.limit->limit());
  const auto evicted = uut.evictions();
  const auto charged = uut.charged();
  const auto keys = uut.all[0]->entries().size() + uut.all[1]->entries().size();
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    const auto to = i % 3 == 0 ? at : 1 - at;
    const auto* from_key = i % 2 == 0 ? "k" : "K";
    const auto* to_key = i % 2 == 0 ? "K" : "k";
    CHECK(transfer(*uut.all[at], from_key, *uut.all[to], to_key)
          == transfer_result::done);
    at = to;
    CHECK(uut.evictions() == evicted);
    CHECK(uut.limit->lent() <= uut.limit->limit() + 1'500);
  }
  CHECK(uut.all[0]->entries().size() + uut.all[1]->entries().size() == keys);
  CHECK(uut.charged() <= charged + 1'000);
}

TEST_CASE("a move when the number of entries is at its limit evicts nothing",
          "[large][sharing]") {
  const auto policy = GENERATE(eviction_policy::s3_fifo, eviction_policy::none);
  two_stores uut{budget::unlimited, policy, 100};
  put(*uut.all[0], "k", "value");
  for (std::size_t i = 0; i < 99; ++i)
    put(*uut.all[i % 2], std::to_string(i), "value");
  REQUIRE(uut.evictions() == 0);
  for (std::size_t i = 0; i < 10; ++i)
    CHECK(transfer(*uut.all[i % 2], "k", *uut.all[1 - i % 2], "k")
          == transfer_result::done);
  CHECK(uut.evictions() == 0);
  CHECK(uut.count->lent() == 100);
}

TEST_CASE("moves to longer keys do not pass the limit for good",
          "[large][sharing]") {
  two_stores uut{4 << 20, eviction_policy::none};
  std::size_t stored = 0;
  for (;; ++stored) {
    const auto key = std::to_string(stored);
    if (!uut.all[stored % 2]->set(hashed(key), pattern(100, 1), {}))
      break;
  }
  std::size_t refused = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(stored, 200); ++i) {
    const auto from = std::to_string(i);
    const auto moved
      = uut.all[i % 2]->transfer(hashed(from), *uut.all[1 - i % 2],
                                 hashed(from + std::string(10'000, 'x')), {});
    if (moved)
      continue;
    ++refused;
    CHECK(moved.error() == errc::limit_reached);
    CHECK(value_of(*uut.all[i % 2], from) == pattern(100, 1));
  }
  CHECK(refused > 0);
  CHECK(uut.charged() <= (4 << 20) + 20'000);
}

TEST_CASE("entries of large values move when their chunks are emptied",
          "[large][sharing][compaction]") {
  store uut{{}};
  const auto text = pattern(table::largest_inline + 1, 1);
  constexpr std::size_t count = 8'000;
  const std::string tail(200, 'k');
  for (std::size_t i = 0; i < count; ++i)
    put(uut, std::to_string(i) + tail, i % 8 == 0 ? text : "small");
  std::map<std::size_t, const char*> places;
  for (std::size_t i = 0; i < count; ++i)
    if (i % 64 == 0)
      places[i] = place_of(uut, std::to_string(i) + tail);
    else
      REQUIRE(uut.erase(hashed(std::to_string(i) + tail)));
  for (int i = 0; i < 1'000; ++i)
    uut.sweep();
  CHECK(uut.entries().relocations() > 0);
  for (auto& [i, place] : places) {
    CHECK(place_of(uut, std::to_string(i) + tail) == place);
    REQUIRE(apply(uut, std::to_string(i) + tail, edit::append("x")));
  }
  check(uut);
}
