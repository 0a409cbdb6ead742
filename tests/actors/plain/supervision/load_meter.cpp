#include <troupe/actors/supervision/load_meter.hpp>

#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe;

TEST_CASE("a load meter knows nothing before its first sample") {
  manual_clock time;
  load_meter uut;
  CHECK(uut.due(time.now()));
  CHECK(uut.lately(time.now(), 5s).over == 0ms);
  uut.note(time.now(), 5s);
  CHECK_FALSE(uut.due(time.now()));
  CHECK(uut.lately(time.now(), 5s).over == 0ms);
}

TEST_CASE("a load meter tells the share since the oldest sample") {
  manual_clock time;
  load_meter uut;
  uut.note(time.now(), 100s);
  time.advance(2s);
  CHECK(uut.due(time.now()));
  auto found = uut.lately(time.now(), 101s);
  CHECK(found.permille == 500);
  CHECK(found.over == 2s);
  // More than one processor is more than 1000.
  CHECK(uut.lately(time.now(), 104s).permille == 2000);
}

TEST_CASE("a load meter forgets what is older than its window") {
  manual_clock time;
  load_meter uut;
  auto used = 0ms;
  // Twenty busy seconds, then twenty idle ones.
  for (int i = 0; i < 20; ++i, time.advance(1s), used += 1s)
    uut.note(time.now(), used);
  CHECK(uut.lately(time.now(), used).permille == 1000);
  CHECK(uut.lately(time.now(), used).over <= 11s);
  for (int i = 0; i < 20; ++i, time.advance(1s))
    uut.note(time.now(), used);
  CHECK(uut.lately(time.now(), used).permille == 0);
}
