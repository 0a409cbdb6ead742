#include <troupe/actors/loads/breakers/circuit_breaker.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "catch.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

struct breaker_fixture {
  circuit_breaker uut{{.failures = 3, .open_for = 5s}};
  time_point now{1h};

  void fail(int times) {
    for (int i = 0; i < times; ++i) {
      REQUIRE(uut.allow(now));
      uut.failed(now);
    }
  }

  [[nodiscard]] breaker_state state() const {
    return uut.view(now).state;
  }
};

} // namespace

TEST_CASE("a breaker opens after failures in a row", "[loads][breaker]") {
  breaker_fixture f;
  f.fail(2);
  REQUIRE(f.uut.allow(f.now));
  f.uut.succeeded();
  f.fail(2);
  CHECK(f.state() == breaker_state::closed);
  f.fail(1);
  CHECK(f.state() == breaker_state::open);
  CHECK(!f.uut.allow(f.now));
  const auto view = f.uut.view(f.now + 2s);
  CHECK(view.opened == 1);
  CHECK(view.refused == 1);
  CHECK(view.remaining == 3s);
}

TEST_CASE("an open breaker lets one load through when its time is over",
          "[loads][breaker]") {
  breaker_fixture f;
  f.fail(3);
  f.now += 5s;
  CHECK(f.uut.allow(f.now));
  CHECK(f.state() == breaker_state::half_open);
  CHECK(!f.uut.allow(f.now));
  SECTION("that succeeds") {
    f.uut.succeeded();
    CHECK(f.state() == breaker_state::closed);
    f.fail(2);
    CHECK(f.state() == breaker_state::closed);
  }
  SECTION("that fails") {
    f.uut.failed(f.now);
    CHECK(f.state() == breaker_state::open);
    CHECK(!f.uut.allow(f.now + 4999ms));
    CHECK(f.uut.allow(f.now + 5s));
  }
  SECTION("that ends without an answer") {
    f.uut.unknown();
    CHECK(f.state() == breaker_state::open);
    CHECK(f.uut.allow(f.now));
  }
}

TEST_CASE("a breaker without a number of failures never opens",
          "[loads][breaker]") {
  circuit_breaker uut{{}};
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(uut.allow(time_point{}));
    uut.failed(time_point{});
  }
  CHECK(uut.view(time_point{}).state == breaker_state::closed);
}

TEST_CASE("of many threads one probes a source that was down",
          "[loads][breaker][concurrency]") {
  breaker_fixture f;
  f.fail(3);
  f.now += 5s;
  std::atomic<int> allowed{0};
  std::vector<std::thread> all;
  for (int i = 0; i < 8; ++i)
    all.emplace_back([&] {
      for (int j = 0; j < 100; ++j)
        allowed += f.uut.allow(f.now) ? 1 : 0;
    });
  for (auto& x : all)
    x.join();
  CHECK(allowed == 1);
  CHECK(f.uut.view(f.now).refused == 799);
}
