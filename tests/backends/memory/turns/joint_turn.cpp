#include <troupe/backends/memory/turns/joint_turn.hpp>

#include <array>
#include <atomic>
#include <future>
#include <latch>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "region_shards.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

/// Takes an amount from one account and gives it to another, as one change.
bool transfer(region& bank, bytes_view from, bytes_view to,
              std::int64_t amount) {
  memory::joint_turn turn;
  turn.add(shards(bank), to);
  turn.add(shards(bank), from);
  return turn.begin() && bank.increment(from, -amount)
         && bank.increment(to, amount);
}

std::int64_t balance(region& bank, bytes_view account) {
  return std::stoll(bank.get(account)->value_or("0"));
}

} // namespace

TEST_CASE("a joint turn's operations run at once and are seen", "[joint]") {
  region_fixture f;
  memory::joint_turn uut;
  uut.add(shards(*f.uut), "a");
  uut.add(shards(*f.uut), "b");
  uut.add(shards(*f.uut), "a");
  REQUIRE(uut.begin());
  CHECK(f.uut->set("a", "1") == true);
  CHECK(f.get("a") == "1");
  CHECK(f.uut->increment("b", 5) == 5);
  CHECK(f.uut->erase("a") == true);
  uut.end();
  CHECK(f.get("b") == "5");
  // A turn can be taken again, for other keys.
  uut.add_all(shards(*f.uut));
  REQUIRE(uut.begin());
  CHECK(f.uut->clear());
  uut.end();
  CHECK(f.uut->size() == 0);
}

TEST_CASE("operations of others wait for the end of a joint turn", "[joint]") {
  region_fixture f;
  memory::joint_turn uut;
  uut.add(shards(*f.uut), "a");
  REQUIRE(uut.begin());
  auto other
    = std::async(std::launch::async, [&] { return f.uut->increment("a", 1); });
  const auto queued
    = comes_true([&] { return f.shard_of("a").mailbox().depth() > 0; });
  CHECK(queued);
  CHECK(f.get("a") == "<none>");
  CHECK(f.uut->set("a", "41") == true);
  uut.end();
  CHECK(other.get() == 42);
}

TEST_CASE("joint turns in any order of keys neither block nor tear",
          "[joint]") {
  constexpr int threads = 4;
  constexpr int rounds = 4'000;
  const std::array<bytes_view, 6> accounts{"a", "b", "c", "d", "e", "f"};
  region_fixture f;
  for (auto x : accounts)
    REQUIRE(f.uut->set(x, "1000"));
  std::atomic<int> failed{0};
  std::atomic<int> torn{0};
  // Money is neither made nor lost at any moment between turns.
  busy_crew auditor{1, [&](unsigned) {
                      return [&] {
                        memory::joint_turn turn;
                        turn.add_all(shards(*f.uut));
                        if (!turn.begin())
                          ++failed;
                        std::int64_t sum = 0;
                        for (auto x : accounts)
                          sum += balance(*f.uut, x);
                        torn += sum == 6'000 ? 0 : 1;
                      };
                    }};
  crew(threads, [&](int t) {
    std::minstd_rand random{static_cast<unsigned>(t) + 1};
    for (int i = 0; i < rounds; ++i)
      if (!transfer(*f.uut, accounts[random() % 6], accounts[random() % 6],
                    static_cast<std::int64_t>(random() % 10)))
        ++failed;
  });
  auditor.stop();
  CHECK(failed == 0);
  CHECK(torn == 0);
}

TEST_CASE("a joint turn waits for a restart and holds nothing meanwhile",
          "[joint]") {
  region_options options;
  options.op_timeout = 20s;
  region_fixture f{options};
  auto& absent = f.shard_of("a");
  in_turn(absent, [&] { absent.down(); });
  auto begun = std::async(std::launch::async, [&] {
    memory::joint_turn turn;
    turn.add_all(shards(*f.uut));
    auto ok = turn.begin();
    return ok && f.uut->set("a", "1") == true;
  });
  // Its first try has come and gone when the operation that waits is there.
  for (bool free = false; !free;) {
    auto done = false;
    in_turn(absent, [&] { done = true; });
    free = done;
  }
  for (std::size_t i = 0; i < shard_count(*f.uut); ++i)
    if (&shard_at(*f.uut, i) != &absent)
      CHECK(shard_at(*f.uut, i).run(
        [](memory::store&) -> expected<bool> { return true; }));
  in_turn(absent, [&] { absent.up(); });
  CHECK(begun.get());
  CHECK(f.get("a") == "1");
}

TEST_CASE("a joint turn does not begin where a shard is down", "[joint]") {
  region_options options;
  options.op_timeout = 5ms;
  region_fixture f{options};
  memory::joint_turn uut;
  uut.add_all(shards(*f.uut));
  uut.add(shards(*f.uut), "a");
  SECTION("for good") {
    f.shard_of("a").fail();
    auto begun = uut.begin();
    REQUIRE(!begun);
    CHECK(begun.error() == errc::shard_down);
  }
  SECTION("for longer than an operation waits") {
    auto& absent = f.shard_of("a");
    in_turn(absent, [&] { absent.down(); });
    auto begun = uut.begin();
    REQUIRE(!begun);
    CHECK(begun.error() == errc::timeout);
    in_turn(absent, [&] { absent.up(); });
  }
  SECTION("as the runtime has ended") {
    f.uut->stop();
    auto begun = uut.begin();
    REQUIRE(!begun);
    CHECK(begun.error() == errc::shutting_down);
  }
  for (std::size_t i = 0; i < shard_count(*f.uut); ++i)
    CHECK(!shard_at(*f.uut, i).mailbox().held_here());
}

TEST_CASE("a joint turn of all shards needs none of them", "[joint]") {
  region_fixture f;
  REQUIRE(f.uut->set("a", "1"));
  auto& broken = f.shard_of("a");
  SECTION("that failed") {
    broken.fail();
  }
  SECTION("that restarts") {
    in_turn(broken, [&] { broken.down(); });
  }
  memory::joint_turn uut;
  uut.add_all(shards(*f.uut));
  REQUIRE(uut.begin());
  CHECK(f.uut->clear());
  uut.end();
  CHECK(f.get("a") == "<none>");
  in_turn(broken, [&] { broken.up(); });
}

TEST_CASE("an update under a lease starts again after a joint turn",
          "[joint]") {
  // Ten threads update one key so hard that leases are taken; joint turns come
  // in between. Nothing is lost.
  constexpr int threads = 4;
  constexpr int rounds = 500;
  region_fixture f;
  std::atomic<int> failed{0};
  crew(threads + 1, [&](int t) {
    for (int i = 0; i < rounds; ++i) {
      if (t == threads) {
        memory::joint_turn turn;
        turn.add(shards(*f.uut), "n");
        if (!turn.begin() || !f.uut->increment("n", 1))
          ++failed;
        continue;
      }
      auto done = f.uut->update(
        "n",
        [](std::optional<bytes_view> old) -> expected<std::optional<bytes>> {
          std::this_thread::yield();
          return std::to_string(std::stoll(bytes{old.value_or("0")}) + 1);
        });
      failed += done ? 0 : 1;
    }
  });
  CHECK(failed == 0);
  CHECK(f.get("n") == std::to_string((threads + 1) * rounds));
}

TEST_CASE("an invalidation finds all of a joint turn, or nothing",
          "[joint][tags]") {
  region_fixture f;
  write_options tagged;
  tagged.tags.add("t");
  std::atomic<bool> stop{false};
  // Makes b of a: what is made of a dead value would live.
  std::thread deriver{[&] {
    while (!stop) {
      memory::joint_turn turn;
      turn.add(shards(*f.uut), "a");
      turn.add(shards(*f.uut), "b");
      if (!turn.begin())
        continue;
      auto a = f.uut->get("a");
      if (a && *a)
        static_cast<void>(f.uut->set("b", **a, tagged));
    }
  }};
  auto survived = 0;
  for (int i = 0; i < 20'000; ++i) {
    REQUIRE(f.uut->set("a", "v", tagged));
    REQUIRE(f.uut->invalidate_tag("t"));
    if (f.get("b") != "<none>")
      ++survived;
  }
  stop = true;
  deriver.join();
  CHECK(survived == 0);
}

TEST_CASE("a joint turn may clear, and is told that it cannot invalidate a tag",
          "[joint][tags]") {
  region_fixture f;
  REQUIRE(f.uut->set("a", "v"));
  memory::joint_turn uut;
  uut.add(shards(*f.uut), "a");
  REQUIRE(uut.begin());
  auto refused = f.uut->invalidate_tag("t");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::invalid_argument);
  CHECK(f.uut->clear());
  CHECK(f.get("a") == "<none>");
  uut.end();
  CHECK(f.uut->invalidate_tag("t"));
}
