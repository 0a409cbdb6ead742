#include <troupe/backends/memory/shards/shard.hpp>

#include <future>
#include <latch>
#include <thread>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "region_shards.hpp"
#include "futures.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

region_options one_shard(std::chrono::milliseconds op_timeout = 1s) {
  region_options x;
  x.shards = 1;
  x.op_timeout = op_timeout;
  return x;
}

} // namespace

TEST_CASE("operations wait for a restart in their order", "[shard]") {
  region_fixture f{one_shard()};
  auto& uut = shard_at(*f.uut, 0);
  in_turn(uut, [&] { uut.down(); });
  CHECK(uut.state() == memory::shard_state::restarting);
  std::vector<std::future<expected<std::int64_t>>> sums;
  for (int i = 0; i < 10; ++i)
    sums.push_back(increment_async(*f.uut, "n", 1));
  auto stored = set_async(*f.uut, "n2", "x");
  CHECK(sums.front().wait_for(0s) == std::future_status::timeout);
  CHECK(f.get("n") == "<none>");
  in_turn(uut, [&] { uut.up(); });
  for (int i = 0; i < 10; ++i)
    CHECK(sums[static_cast<std::size_t>(i)].get() == i + 1);
  CHECK(stored.get() == true);
  CHECK(uut.state() == memory::shard_state::running);
}

TEST_CASE("a blocking call waits out a restart", "[shard]") {
  region_fixture f{one_shard(1h)};
  auto& uut = shard_at(*f.uut, 0);
  in_turn(uut, [&] { uut.down(); });
  auto call
    = std::async(std::launch::async, [&] { return f.uut->set("a", "1"); });
  // The shard is brought back once the call is in its turn and parked; before
  // that, `up` finds nothing, and the call finds the shard running: both right.
  in_turn(uut, [&] { uut.up(); });
  CHECK(call.get() == true);
  CHECK(f.get("a") == "1");
}

TEST_CASE("reads go on while a shard restarts", "[shard]") {
  region_fixture f{one_shard()};
  REQUIRE(f.uut->set("a", "1"));
  auto& uut = shard_at(*f.uut, 0);
  in_turn(uut, [&] { uut.down(); });
  CHECK(f.get("a") == "1");
  in_turn(uut, [&] { uut.up(); });
}

TEST_CASE(
  "a call that waits too long for a restart gives up and leaves nothing",
  "[shard]") {
  region_fixture f{one_shard(10ms)};
  auto& uut = shard_at(*f.uut, 0);
  in_turn(uut, [&] { uut.down(); });
  auto outcome = f.uut->set("a", "1");
  REQUIRE(!outcome);
  CHECK(outcome.error() == errc::timeout);
  in_turn(uut, [&] { uut.up(); });
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("a failed shard rejects what waits and what comes", "[shard]") {
  region_fixture f{one_shard()};
  REQUIRE(f.uut->set("a", "1"));
  auto& uut = shard_at(*f.uut, 0);
  in_turn(uut, [&] { uut.down(); });
  auto waiting = set_async(*f.uut, "a", "2");
  uut.fail();
  CHECK(waiting.get().error() == errc::shard_down);
  CHECK(f.uut->set("a", "3").error() == errc::shard_down);
  CHECK(f.uut->increment("a").error() == errc::shard_down);
  CHECK(f.uut->get_or_set("b", [](load_context&) { return "x"; }).error()
        == errc::shard_down);
  CHECK(f.get("a") == "1");
}

TEST_CASE("what a failed shard holds can be invalidated", "[shard]") {
  region_options options;
  options.shards = 1;
  region_fixture f{options};
  write_options tagged;
  tagged.tags.add("t");
  REQUIRE(f.uut->set("a", "1"));
  REQUIRE(f.uut->set("b", "2", tagged));
  shard_at(*f.uut, 0).fail();
  CHECK(f.get("b") == "2");
  CHECK(f.uut->invalidate_tag("t"));
  CHECK(f.get("b") == "<none>");
  CHECK(f.get("a") == "1");
  CHECK(f.uut->clear());
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("what a failed shard holds counts as absent when that is wanted",
          "[shard]") {
  region_fixture f{one_shard()};
  auto& uut = shard_at(*f.uut, 0);
  REQUIRE(f.uut->set("a", "1"));
  in_turn(uut, [&] { uut.down(); });
  auto waiting = set_async(*f.uut, "a", "2");
  uut.fail(failed_shards::absent);
  CHECK(waiting.get().error() == errc::shard_down);
  CHECK(f.get("a") == "<none>");
  CHECK(f.uut->size() == 0);
  CHECK(f.uut->set("a", "3").error() == errc::shard_down);
  // It does not come back with the shard.
  CHECK(uut.revive());
  in_turn(uut, [&] { uut.up(); });
  CHECK(f.get("a") == "<none>");
  CHECK(f.uut->set("a", "4") == true);
  CHECK(f.get("a") == "4");
}

TEST_CASE("a failed shard that is revived has its entries, but for what was "
          "invalidated",
          "[shard]") {
  region_fixture f{one_shard()};
  auto& uut = shard_at(*f.uut, 0);
  write_options tagged;
  tagged.tags.add("t");
  REQUIRE(f.uut->set("a", "1"));
  REQUIRE(f.uut->set("b", "2", tagged));
  uut.fail();
  CHECK(f.uut->invalidate_tag("t"));
  CHECK(uut.revive());
  CHECK(uut.state() == memory::shard_state::restarting);
  auto waiting = set_async(*f.uut, "c", "3");
  in_turn(uut, [&] { uut.up(); });
  CHECK(waiting.get() == true);
  CHECK(f.get("a") == "1");
  CHECK(f.get("b") == "<none>");
  CHECK(f.get("c") == "3");
  // What runs has nothing to be revived from.
  CHECK(uut.revive());
  CHECK(uut.state() == memory::shard_state::running);
}

TEST_CASE("a load that ends while its shard is down leaves no lease behind",
          "[shard]") {
  region_fixture f{one_shard()};
  auto& uut = shard_at(*f.uut, 0);
  std::promise<void> begun;
  std::promise<void> go;
  auto first = get_or_set_async(*f.uut, "a", [&](load_context&) {
    begun.set_value();
    go.get_future().wait();
    return "1";
  });
  begun.get_future().wait();
  uut.fail();
  go.set_value();
  CHECK(first.get() == "1");
  CHECK(uut.revive());
  in_turn(uut, [&] { uut.up(); });
  CHECK(f.get("a") == "<none>");
  CHECK(f.uut->get_or_set("a", [](load_context&) { return "2"; }) == "2");
  CHECK(f.get("a") == "2");
}

TEST_CASE("a stopped shard answers shutting_down", "[shard]") {
  region_fixture f{one_shard()};
  auto& uut = shard_at(*f.uut, 0);
  in_turn(uut, [&] { uut.down(); });
  auto waiting = erase_async(*f.uut, "a");
  f.uut->stop();
  CHECK(waiting.get().error() == errc::shutting_down);
  CHECK(f.uut->set("a", "1").error() == errc::shutting_down);
  uut.fail(); // A stop is final.
  CHECK(f.uut->set("a", "1").error() == errc::shutting_down);
}

TEST_CASE("a full mailbox refuses asynchronous operations", "[shard]") {
  region_fixture f{one_shard()};
  auto& uut = shard_at(*f.uut, 0);
  std::vector<std::future<expected<bool>>> accepted;
  in_turn(uut, [&] {
    // This thread runs the shard, so everything it submits queues up.
    for (std::size_t i = 0; i < defaults::mailbox_limit; ++i)
      accepted.push_back(set_async(*f.uut, "a", std::to_string(i)));
    auto refused = set_async(*f.uut, "a", "too many");
    CHECK(refused.get().error() == errc::overloaded);
  });
  for (auto& x : accepted)
    if (x.get() != true)
      FAIL("an accepted operation failed");
  CHECK(f.get("a") == std::to_string(defaults::mailbox_limit - 1));
}

TEST_CASE("what reads before it writes waits for an update's end", "[shard]") {
  region_fixture f{one_shard()};
  REQUIRE(f.uut->set("n", "1"));
  auto& uut = shard_at(*f.uut, 0);
  using memory::store;
  hashed_key key{"n"};
  REQUIRE(uut.run([&](store& x) { return x.begin_update(key, 7); }));
  auto increment = increment_async(*f.uut, "n", 1);
  auto absent = set_if_absent_async(*f.uut, "n", "x");
  CHECK(increment.wait_for(0s) == std::future_status::timeout);
  CHECK(absent.wait_for(0s) == std::future_status::timeout);
  // Another key, a read and a blind write do not wait.
  CHECK(f.uut->increment("m") == 1);
  CHECK(f.get("n") == "1");
  SECTION("which stored") {
    auto done = uut.run(
      [&](store& x) { return x.commit_update(key, 7, bytes_view{"10"}, {}); });
    CHECK(done == update_outcome::stored);
    CHECK(increment.get() == 11);
    CHECK(absent.get() == false);
  }
  SECTION("which was overtaken") {
    CHECK(f.uut->set("n", "20") == true);
    auto done = uut.run(
      [&](store& x) { return x.commit_update(key, 7, bytes_view{"10"}, {}); });
    CHECK(done == update_outcome::overtaken);
    CHECK(increment.get() == 21);
    CHECK(absent.get() == false);
  }
  SECTION("which gave up") {
    REQUIRE(uut.run([&](store& x) { return x.abandon_update(key, 7); }));
    CHECK(increment.get() == 2);
    CHECK(absent.get() == false);
  }
  SECTION("which took too long, seen by the next operation") {
    f.time.advance(1s);
    CHECK(f.uut->increment("n") == 3);
    CHECK(increment.get() == 2);
    CHECK(absent.get() == false);
  }
  SECTION("which took too long, seen by the sweep") {
    f.time.advance(1s);
    uut.sweep();
    CHECK(increment.get() == 2);
    CHECK(absent.get() == false);
  }
}

TEST_CASE("a caller does not wait for an update for longer than its timeout",
          "[shard]") {
  region_fixture f{one_shard(10ms)};
  auto& uut = shard_at(*f.uut, 0);
  hashed_key key{"n"};
  REQUIRE(uut.run([&](memory::store& x) { return x.begin_update(key, 7); }));
  // The fixture's clock stands still, so the lease is never overdue.
  CHECK(f.uut->increment("n").error() == errc::timeout);
  REQUIRE(uut.run([&](memory::store& x) { return x.abandon_update(key, 7); }));
  CHECK(f.get("n") == "<none>");
}
