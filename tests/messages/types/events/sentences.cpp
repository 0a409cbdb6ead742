#include <troupe/messages/types/events/explanation.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

using kind = key_event_kind;
using lines = std::vector<std::string>;

const time_point begin{24h};

explanation at(std::chrono::nanoseconds later) {
  explanation result;
  result.now = begin + later;
  return result;
}

bool says(const explanation& x, const std::string& part) {
  const auto all = sentences_of(x);
  return std::any_of(all.begin(), all.end(), [&](const std::string& line) {
    return line.find(part) != line.npos;
  });
}

} // namespace

TEST_CASE("a missing key is explained by its events, newest first",
          "[events]") {
  auto x = at(2s);
  x.events = {{kind::load_refused, kind::load_fenced, 4712, begin + 1200ms, 9},
              {kind::erased, kind::erased, 4711, begin + 800ms}};
  CHECK(sentences_of(x)
        == lines{"The key is missing.",
                 "The result of load 9 was not stored 800 ms ago (sequence "
                 "4712), because its lease had been voided.",
                 "It was erased 1.2 s ago (sequence 4711)."});
}

TEST_CASE("a present key is explained with its size and its times",
          "[events]") {
  auto x = at(1s);
  x.is = explanation::state::present;
  x.version = 88;
  x.value_size = 64;
  x.charge = 120;
  CHECK(sentences_of(x)
        == lines{"The key is present (version 88, 64 bytes, charged 120); it "
                 "does not expire.",
                 "No other event of the key is recorded."});
  x.ttl_left = 250s;
  CHECK(says(x, "; it expires in 4 min 10 s."));
  x.idle_left = 30s;
  CHECK(says(x, "; it expires in 30.0 s without a read or write, at the latest "
                "in 4 min 10 s."));
  x.tags = {"red", std::string{"\x01 x"}};
  CHECK(says(x, "Its tags are \"red\", \"\\x01 x\"."));
  x.events = {{kind::erased, kind::erased, 87, begin}};
  CHECK(says(x, "It was stored after the last recorded event."));
  x.events[0].sequence = 88;
  CHECK_FALSE(says(x, "It was stored after"));
}

TEST_CASE("loads in flight and updates are explained", "[events]") {
  auto x = at(0s);
  x.updating = true;
  x.in_flight = {7, 1500ms, false};
  CHECK(says(x, "An update of the key is in progress."));
  CHECK(says(x, "Load 7 is in flight for 1.5 s."));
  x.in_flight->fenced = true;
  CHECK(says(x, "Load 7 is in flight for 1.5 s; its result will not be "
                "stored."));
}

TEST_CASE("each kind of event has a sentence", "[events]") {
  for (int i = 0; i <= static_cast<int>(kind::load_released); ++i) {
    auto x = at(90min);
    const auto what = static_cast<kind>(i);
    CHECK(to_string(what) != "unknown");
    // These only void the leases of loads.
    if (what == kind::updating || what == kind::shard_failed)
      continue;
    x.events = {{what, what, 0, begin, 5, "name"}};
    const auto all = sentences_of(x);
    REQUIRE(all.size() == 2);
    CHECK(all[1].find("1 h 30 min ago") != std::string::npos);
    CHECK(all[1].find("Event") == std::string::npos);
    CHECK(all[1].back() == '.');
  }
  CHECK(to_string(static_cast<kind>(200)) == "unknown");
}
