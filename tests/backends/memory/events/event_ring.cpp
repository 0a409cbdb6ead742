#include <troupe/backends/memory/events/event_ring.hpp>

#include <string>
#include <thread>
#include <vector>

#include <troupe/backends/memory/events/region_events.hpp>

#include "catch.hpp"

using namespace troupe;
using namespace troupe::memory;

namespace {

using kind = key_event_kind;

std::vector<key_event> all_of(const event_ring& ring, bytes_view key) {
  std::vector<key_event> result;
  ring.visit(key, [&result](key_event&& x) {
    result.push_back(std::move(x));
    return true;
  });
  return result;
}

void add(event_ring& ring, bytes_view key, version_number sequence,
         kind what = kind::erased) {
  ring.add({what, what, sequence, time_point{}, key});
}

} // namespace

TEST_CASE("a ring has no memory before its first event", "[events]") {
  event_ring ring{8};
  CHECK(ring.reserved() == 0);
  CHECK(all_of(ring, "k").empty());
  add(ring, "k", 1);
  CHECK(ring.reserved() == 8 * 128);
}

TEST_CASE("events of a key come newest first, and the oldest are overwritten",
          "[events]") {
  event_ring ring{4};
  for (version_number i = 1; i <= 6; ++i)
    add(ring, i % 2 == 0 ? "even" : "odd", i);
  CHECK(ring.size() == 4);
  const auto even = all_of(ring, "even");
  REQUIRE(even.size() == 2);
  CHECK(even[0].sequence == 6);
  CHECK(even[1].sequence == 4);
  const auto odd = all_of(ring, "odd");
  REQUIRE(odd.size() == 2);
  CHECK(odd[0].sequence == 5);
  CHECK(all_of(ring, "").empty());
}

TEST_CASE("a visit ends when its function returns false", "[events]") {
  event_ring ring{4};
  add(ring, "k", 1);
  add(ring, "k", 2);
  int calls = 0;
  ring.visit("k", [&calls](const key_event&) {
    ++calls;
    return false;
  });
  CHECK(calls == 1);
}

TEST_CASE("long keys with the same first bytes are told apart", "[events]") {
  event_ring ring{8};
  const std::string start(event_ring::most_kept, 'x');
  add(ring, start, 1);
  add(ring, start + "a", 2);
  add(ring, start + "b", 3);
  add(ring, start + std::string(10'000, 'c'), 4);
  const std::vector<std::string> keys{start, start + "a", start + "b",
                                      start + std::string(10'000, 'c')};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto found = all_of(ring, keys[i]);
    REQUIRE(found.size() == 1);
    CHECK(found[0].sequence == i + 1);
  }
}

TEST_CASE("an event keeps its load, its cause and the begin of a name",
          "[events]") {
  event_ring ring{8};
  const std::string key(event_ring::most_kept, 'k');
  ring.add({kind::load_fenced, kind::tag_invalidated, 7,
            time_point{std::chrono::seconds{5}}, key, 42,
            "a name that is much longer than what a slot has room for"});
  const auto found = all_of(ring, key);
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == kind::load_fenced);
  CHECK(found[0].cause == kind::tag_invalidated);
  CHECK(found[0].sequence == 7);
  CHECK(found[0].at == time_point{std::chrono::seconds{5}});
  CHECK(found[0].load == 42);
  const std::string name = "a name that is much longer than what";
  CHECK(found[0].name == name.substr(0, found[0].name.size()));
  CHECK(found[0].name.size() >= 23);
}

TEST_CASE("a clear in a ring concerns every key", "[events]") {
  event_ring ring{8};
  add(ring, {}, 3, kind::cleared);
  CHECK(all_of(ring, "any").size() == 1);
  CHECK(all_of(ring, "").size() == 1);
}

TEST_CASE("a ring without slots records nothing and counts it", "[events]") {
  event_ring ring{0};
  add(ring, "k", 1);
  CHECK(ring.dropped() == 1);
  CHECK(all_of(ring, "k").empty());
}

TEST_CASE("threads may add and visit events of a region", "[events]") {
  manual_clock time;
  region_events uut{time};
  constexpr int rounds = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&uut] {
      for (int i = 0; i < rounds; ++i)
        uut.add(kind::tag_invalidated, "red");
    });
  std::size_t most = 0;
  for (int i = 0; i < rounds; ++i) {
    std::size_t found = 0;
    uut.visit("red", [&found](const key_event& x) {
      found += x.kind == kind::tag_invalidated ? 1 : 0;
      return true;
    });
    most = std::max(most, found);
  }
  for (auto& x : threads)
    x.join();
  CHECK(most <= defaults::recorded_events);
}
