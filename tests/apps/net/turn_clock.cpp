#include "apps/net/turn_clock.hpp"

#include <chrono>

#include "catch.hpp"

using namespace std::chrono_literals;
using troupe::net::turn_clock;

TEST_CASE("the clock of a turn starts with the first question") {
  turn_clock uut;
  const auto now = turn_clock::clock::now();
  CHECK(uut.end(now, 5ms) == now + 5ms);
  CHECK(uut.end(now + 1h, 5ms) == now + 5ms);
  uut.reset();
  CHECK(uut.end(now + 1h, 5ms) == now + 1h + 5ms);
}
