#include <troupe/backends/memory/entries/sliding_deadline.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "progress.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using memory::sliding_deadline;

namespace {

constexpr auto idle = 64s;
constexpr auto spare = 1s; // A 64th of it.
constexpr time_point start{24h};

} // namespace

TEST_CASE("what nobody reads expires after its idle time, to the nanosecond",
          "[sliding]") {
  sliding_deadline uut{idle, start + idle, never};
  CHECK(uut.expiry() == start + idle);
  CHECK(!uut.passed(start + idle - 1ns));
  CHECK(uut.passed(start + idle));
}

TEST_CASE("a read puts the deadline off by a 64th more than it must",
          "[sliding]") {
  sliding_deadline uut{idle, start + idle, never};
  auto first = uut.read(start + 10s);
  CHECK(first.alive);
  CHECK(first.moved.from == start + idle);
  CHECK(first.moved.to == start + 10s + idle + spare);
  CHECK(uut.expiry() == first.moved.to);
}

TEST_CASE("the reads of the next 64th move nothing and lose nothing",
          "[sliding]") {
  sliding_deadline uut{idle, start + idle, never};
  const auto kept = uut.read(start + 10s).moved.to;
  for (auto t = start + 10s; t <= start + 11s; t += 100ms) {
    auto next = uut.read(t);
    CHECK(next.alive);
    CHECK(next.moved.from == next.moved.to);
    CHECK(uut.expiry() >= t + idle);
  }
  CHECK(uut.expiry() == kept);
  CHECK(uut.read(start + 11s + 1ns).moved.to > kept);
}

TEST_CASE("no read carries an entry beyond the end of its TTL", "[sliding]") {
  const auto end = start + 100s;
  sliding_deadline uut{idle, start + idle, end};
  CHECK(uut.read(start + 50s).moved.to == end);
  CHECK(uut.read(end - 1ns).alive);
  CHECK(uut.expiry() == end);
  CHECK(!uut.read(end).alive);
  CHECK(uut.passed(end));
}

TEST_CASE("nobody revives what somebody found expired", "[sliding]") {
  sliding_deadline uut{idle, start + idle, never};
  SECTION("found by a read") {
    CHECK(!uut.read(start + idle).alive);
  }
  SECTION("found by a look") {
    CHECK(uut.passed(start + idle));
  }
  // One that asked the clock before, and comes late.
  CHECK(!uut.read(start + 1s).alive);
  CHECK(uut.passed(start + 1s));
  CHECK(uut.deadline() == start + idle);
}

TEST_CASE("a read that comes late does not move a deadline back", "[sliding]") {
  sliding_deadline uut{idle, start + idle, never};
  const auto kept = uut.read(start + 40s).moved.to;
  auto late = uut.read(start + 10s);
  CHECK(late.alive);
  CHECK(late.moved.to == kept);
  CHECK(uut.deadline() == kept);
}

TEST_CASE("a touch changes the end and lets it idle from then on",
          "[sliding]") {
  sliding_deadline uut{idle, start + 10s, start + 10s};
  CHECK(uut.touch(start + 5s, never).to == start + 5s + idle);
  CHECK(uut.end() == never);
  CHECK(uut.read(start + 60s).alive);
  auto sooner = uut.touch(start + 61s, start + 62s);
  CHECK(sooner.to == start + 62s);
  // Also for one that comes with a moment from before the touch.
  CHECK(uut.read(start + 60s).alive);
  CHECK(uut.expiry() == start + 62s);
  CHECK(uut.passed(start + 62s));
}

TEST_CASE("what is settled lives on unmoved", "[sliding]") {
  sliding_deadline uut{idle, start + idle, never};
  const auto kept = uut.read(start + 1s).moved.to;
  CHECK(uut.settle() == kept);
  auto later = uut.read(start + 30s);
  CHECK(later.alive);
  CHECK(later.moved.to == kept);
  CHECK(uut.settle() == kept);
}

TEST_CASE("of a read and a look at the deadline, both say the same",
          "[sliding][threads]") {
  // One asked the clock just before, the other just after: either the read was
  // first and both find it alive, or the look was and both find it dead.
  constexpr int rounds = 20'000;
  std::atomic<int> ready{0};
  std::vector<std::unique_ptr<sliding_deadline>> all;
  for (int i = 0; i < rounds; ++i)
    all.push_back(
      std::make_unique<sliding_deadline>(idle, start + idle, never));
  std::vector<char> read(rounds);
  std::vector<char> looked(rounds);
  auto meet = [&](int round) {
    ++ready;
    return comes_true([&] { return ready.load() >= 2 * (round + 1); });
  };
  std::atomic<bool> met{true};
  std::jthread reader{[&] {
    for (int i = 0; i < rounds && met; ++i) {
      if (!meet(i))
        met = false;
      read[static_cast<std::size_t>(i)]
        = all[static_cast<std::size_t>(i)]->read(start + idle - 1ns).alive;
    }
  }};
  for (int i = 0; i < rounds; ++i) {
    REQUIRE(meet(i));
    looked[static_cast<std::size_t>(i)]
      = !all[static_cast<std::size_t>(i)]->passed(start + idle);
  }
  reader.join();
  CHECK(met);
  CHECK(read == looked);
}

TEST_CASE("threads that read and touch never move a deadline back",
          "[sliding][threads]") {
  constexpr int rounds = 20'000;
  const auto end = start + 1'000'000s;
  sliding_deadline uut{idle, start + idle, end};
  std::atomic<std::int64_t> now{0};
  std::atomic<int> dead{0};
  std::atomic<int> early{0};
  std::atomic<std::int64_t> moved{0};
  auto count
    = [&](sliding_deadline::move x) { moved += (x.to - x.from).count(); };
  std::vector<std::thread> readers;
  for (unsigned t = 0; t < 3; ++t)
    readers.emplace_back([&, t] {
      std::minstd_rand random{t + 1};
      for (int i = 0; i < rounds; ++i) {
        auto before = uut.deadline();
        auto when = start + std::chrono::milliseconds{now.load()};
        auto seen = uut.read(when);
        dead += seen.alive ? 0 : 1;
        count(seen.moved);
        auto after = uut.deadline();
        early += after < before || after < when + idle ? 1 : 0;
        now += static_cast<std::int64_t>(random() % 500);
      }
    });
  for (int i = 0; i < rounds; ++i) {
    count(uut.touch(start + std::chrono::milliseconds{now.load()}, end));
    if (i % 100 == 0)
      std::this_thread::yield();
  }
  for (auto& x : readers)
    x.join();
  // Time passes only behind reads, so that none comes more than seconds after
  // the last one.
  CHECK(dead == 0);
  CHECK(early == 0);
  CHECK(uut.settle() == start + idle + std::chrono::nanoseconds{moved.load()});
}
