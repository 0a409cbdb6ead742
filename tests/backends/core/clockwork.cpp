#include <troupe/backends/core/clockwork.hpp>

#include <atomic>
#include <latch>

#include "catch.hpp"

using namespace std::chrono_literals;
using troupe::clockwork;

TEST_CASE("a clockwork ticks until it is stopped", "[clockwork]") {
  std::latch third{3};
  std::atomic<int> ticks{0};
  clockwork uut{1ms, [&] {
                  if (++ticks <= 3)
                    third.count_down();
                }};
  third.wait();
  uut.stop();
  auto at_stop = ticks.load();
  CHECK(at_stop >= 3);
  uut.stop();
  CHECK(ticks == at_stop);
}

TEST_CASE("a stop waits for the tick that runs", "[clockwork]") {
  std::latch inside{1};
  std::latch go_on{1};
  std::atomic<bool> over{false};
  clockwork uut{1ms, [&] {
                  if (over.load())
                    return;
                  inside.count_down();
                  go_on.wait();
                  over.store(true);
                }};
  inside.wait();
  std::thread stopper{[&] { uut.stop(); }};
  go_on.count_down();
  stopper.join();
  CHECK(over);
}

TEST_CASE("a stop does not wait for the period", "[clockwork]") {
  // Would run into the test's time limit.
  clockwork uut{24h, [] {}};
  uut.stop();
}
