#include <troupe/backends/memory/limits/timing_wheel.hpp>

#include <map>
#include <random>
#include <vector>

#include <troupe/messages/types/options.hpp>

#include "catch.hpp"

using namespace troupe;
using memory::timing_wheel;
using std::chrono::milliseconds;

namespace {

constexpr auto tick = timing_wheel::tick_length;

std::vector<std::size_t> take_all(timing_wheel& where, time_point now) {
  std::vector<std::size_t> result;
  for (;;) {
    auto x = where.take_due(now);
    if (x == timing_wheel::nothing)
      return result;
    result.push_back(x);
  }
}

} // namespace

TEST_CASE("an item is due once its deadline has passed, and not before",
          "[timing_wheel]") {
  for (auto wait : {milliseconds{1}, milliseconds{16}, milliseconds{1'000},
                    milliseconds{70'000}, milliseconds{5'000'000},
                    milliseconds{400'000'000}}) {
    manual_clock time;
    timing_wheel uut{time.now()};
    auto deadline = time.now() + wait;
    REQUIRE(uut.schedule(3, deadline));
    CHECK(uut.validate() == "");
    CHECK(take_all(uut, deadline - milliseconds{1}).empty());
    CHECK(uut.validate() == "");
    CHECK(take_all(uut, deadline + tick) == std::vector<std::size_t>{3});
    CHECK(uut.due(3) == never);
    CHECK(take_all(uut, deadline + 10 * tick).empty());
    CHECK(uut.validate() == "");
  }
}

TEST_CASE("the earliest deadline of an item counts", "[timing_wheel]") {
  manual_clock time;
  timing_wheel uut{time.now()};
  auto in = [&](int n) { return time.now() + n * tick; };
  REQUIRE(uut.schedule(1, in(100)));
  REQUIRE(uut.schedule(1, in(10)));
  REQUIRE(uut.schedule(1, in(1'000)));
  REQUIRE(uut.schedule(2, never));
  CHECK(take_all(uut, in(9)).empty());
  CHECK(take_all(uut, in(11)) == std::vector<std::size_t>{1});
  CHECK(take_all(uut, in(2'000)).empty());
}

TEST_CASE("a copy is due with its original, a cancelled item never",
          "[timing_wheel]") {
  manual_clock time;
  timing_wheel uut{time.now()};
  auto deadline = time.now() + 50 * tick;
  REQUIRE(uut.schedule(1, deadline));
  REQUIRE(uut.reach(9));
  uut.copy(1, 9);
  uut.copy(2, 8);
  uut.cancel(1);
  uut.cancel(7);
  CHECK(take_all(uut, deadline + tick) == std::vector<std::size_t>{9});
}

TEST_CASE("what lies beyond the wheel is looked at early and again",
          "[timing_wheel]") {
  manual_clock time;
  timing_wheel uut{time.now()};
  auto deadline = time.now() + max_ttl;
  REQUIRE(uut.schedule(0, deadline));
  CHECK(uut.due(0) < deadline);
  auto year = std::chrono::hours{24 * 365};
  int looks = 0;
  for (auto now = time.now(); now < deadline; now += year)
    for (auto x : take_all(uut, now)) {
      ++looks;
      REQUIRE(uut.schedule(x, deadline));
      CHECK(uut.validate() == "");
    }
  CHECK(looks > 0);
  CHECK(take_all(uut, deadline + tick).size() == 1);
}

TEST_CASE("a wheel does what a sorted list does", "[timing_wheel]") {
  manual_clock time;
  timing_wheel uut{time.now()};
  std::map<std::size_t, time_point> model;
  std::minstd_rand random{11};
  for (int round = 0; round < 20'000; ++round) {
    auto item = random() % 300;
    if (random() % 10 == 0) {
      uut.cancel(item);
      model.erase(item);
    } else {
      // From the same tick to some hours.
      auto wait = milliseconds{random() % (1U << (random() % 24))};
      auto deadline = time.now() + wait;
      REQUIRE(uut.schedule(item, deadline));
      auto [i, fresh] = model.emplace(item, deadline);
      if (!fresh)
        i->second = std::min(i->second, deadline);
    }
    if (random() % 4 == 0)
      time.advance(milliseconds{random() % (1U << (random() % 16))});
    for (auto x : take_all(uut, time.now())) {
      auto i = model.find(x);
      if (i == model.end() || i->second > time.now())
        FAIL("item " << x << " is due too early");
      model.erase(i);
    }
    for (auto& [x, deadline] : model)
      if (deadline + tick < time.now())
        FAIL("item " << x << " is late");
    if (round % 1'000 == 0)
      CHECK(uut.validate() == "");
  }
}
