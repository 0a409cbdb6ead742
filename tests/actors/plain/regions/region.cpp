#include <troupe/actors/regions/region.hpp>

#include <array>
#include <atomic>
#include <future>
#include <latch>
#include <cmath>
#include <random>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "futures.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

/// A door that loaders wait behind.
class gate {
public:
  void open() {
    if (!opened_.exchange(true))
      latch_.count_down();
  }

  void pass() {
    arrived_.release();
    latch_.wait();
  }

  /// Waits until one more loader stands before the gate.
  void await_arrival() {
    arrived_.acquire();
  }

  ~gate() {
    open();
  }

private:
  std::atomic<bool> opened_{false};
  std::latch latch_{1};
  std::counting_semaphore<> arrived_{0};
};

region_options with_timeout(std::chrono::milliseconds load_timeout,
                            std::uint32_t attempts = 3) {
  region_options x;
  x.load_timeout = load_timeout;
  x.load_attempts = attempts;
  return x;
}

/// Asks from a thread of its own.
std::future<expected<std::optional<bytes>>>
ask(region_fixture& f, const std::string& key, bytes_loader loader) {
  return std::async(std::launch::async, [&f, key, loader = std::move(loader)] {
    return f.uut->get_or_set(key, loader);
  });
}

/// Waits until load number `index` of the list has `n` waiters.
void await_waiters(region_fixture& f, std::size_t n) {
  eventually([&] {
    auto [loads, total] = f.loads->list(10);
    return total == 1 && loads[0].waiters == n;
  });
}

} // namespace

// -- plain operations --------------------------------------------------------------

TEST_CASE("a region sets, gets, counts and clears", "[region]") {
  region_fixture f;
  CHECK(f.uut->set("a", "1") == true);
  CHECK(f.uut->set_if_absent("a", "2") == false);
  CHECK(f.uut->set_if_absent("b", "2") == true);
  CHECK(f.uut->contains("a") == true);
  CHECK(f.uut->contains("c") == false);
  CHECK(f.get("a") == "1");
  CHECK(f.uut->size() == 2);
  CHECK(f.uut->erase("a") == true);
  CHECK(f.uut->erase("a") == false);
  CHECK(f.uut->increment("n", 2) == 2);
  CHECK(f.uut->size() == 2);
  CHECK(f.uut->clear());
  CHECK(f.uut->size() == 0);
  CHECK(f.get("b") == "<none>");
}

TEST_CASE("a region tells and changes what is left of a TTL", "[region]") {
  region_fixture f;
  REQUIRE(f.uut->set("a", "1", {.ttl = 1s}));
  REQUIRE(f.uut->set("b", "1"));
  CHECK(f.uut->ttl("a").value() == ttl_duration{1000});
  CHECK(f.uut->ttl("b").value() == no_expiry);
  CHECK(f.uut->ttl("c").value() == std::nullopt);
  f.time.advance(1ns);
  CHECK(f.uut->ttl("a").value() == ttl_duration{1000});
  f.time.advance(1ms);
  CHECK(f.uut->ttl("a").value() == ttl_duration{999});
  CHECK(f.uut->touch("a", 5s) == true);
  CHECK(f.uut->ttl("a").value() == ttl_duration{5000});
  CHECK(f.uut->touch("c", 5s) == false);
}

TEST_CASE("a batch answers every key in order", "[region]") {
  region_fixture f;
  std::vector<std::string> keys;
  std::vector<bytes_view> views;
  for (int i = 0; i < 100; ++i)
    keys.push_back(std::to_string(i));
  for (int i = 0; i < 100; i += 2)
    REQUIRE(f.uut->set(keys[static_cast<std::size_t>(i)],
                       keys[static_cast<std::size_t>(i)] + "!"));
  for (auto& x : keys)
    views.push_back(x);
  auto values = f.uut->get_many(views);
  REQUIRE(values);
  REQUIRE(values->size() == 100);
  for (std::size_t i = 0; i < 100; ++i)
    if ((*values)[i]
        != (i % 2 == 0 ? std::optional{keys[i] + "!"} : std::nullopt))
      FAIL("key " << i << " differs");
  CHECK(f.uut->get_many({})->empty());
}

TEST_CASE("bad input gets an error and changes nothing", "[region]") {
  region_options options;
  options.max_key_size = 10;
  options.max_value_size = 20;
  region_fixture f{options};
  std::string long_key(11, 'k');
  std::string long_value(21, 'v');
  CHECK(f.uut->set(long_key, "x").error() == errc::key_too_large);
  CHECK(f.uut->get(long_key).error() == errc::key_too_large);
  CHECK(f.uut->erase(long_key).error() == errc::key_too_large);
  CHECK(f.uut->touch(long_key, 1s).error() == errc::key_too_large);
  CHECK(f.uut->increment(long_key).error() == errc::key_too_large);
  CHECK(f.uut->ttl(long_key).error() == errc::key_too_large);
  std::vector<bytes_view> keys{"a", long_key};
  CHECK(f.uut->get_many(keys).error() == errc::key_too_large);
  CHECK(f.uut->set("a", long_value).error() == errc::value_too_large);
  CHECK(f.uut->set("a", "x", {.ttl = 0ms}).error() == errc::invalid_argument);
  CHECK(f.uut->set("a", "x", {.jitter = 1.0}).error()
        == errc::invalid_argument);
  CHECK(f.uut->touch("a", -1ms).error() == errc::invalid_argument);
  CHECK(f.uut->get_or_set(long_key, [](load_context&) { return "x"; }).error()
        == errc::key_too_large);
  CHECK(
    f.uut->get_or_set("a", [&](load_context&) { return long_value; }).error()
    == errc::value_too_large);
  CHECK(f.uut
          ->get_or_set("a",
                       [](load_context& x) {
                         x.ttl(-1ms);
                         return "x";
                       })
          .error()
        == errc::invalid_argument);
  CHECK(f.uut->size() == 0);
  CHECK(f.uut->set(std::string(10, 'k'), std::string(20, 'v')) == true);
}

TEST_CASE("options that make no sense are named", "[region]") {
  auto code = [](region_options x) {
    auto ok = check(x);
    return ok ? errc::none : ok.error().code();
  };
  CHECK(code({}) == errc::none);
  CHECK(code({.ttl = 0ms}) == errc::invalid_argument);
  CHECK(code({.jitter = -0.1}) == errc::invalid_argument);
  CHECK(code({.jitter = std::nan("")}) == errc::invalid_argument);
  CHECK(code({.shards = 3}) == errc::invalid_argument);
  CHECK(code({.shards = 512}) == errc::invalid_argument);
  CHECK(code({.load_timeout = 0ms}) == errc::invalid_argument);
  CHECK(code({.load_attempts = 0}) == errc::invalid_argument);
  CHECK(check({.shards = 3}).error().text().find("shards is 3") == 0);
}

TEST_CASE("asynchronous calls do what blocking ones do", "[region]") {
  region_fixture f;
  CHECK(set_async(*f.uut, "a", "1").get() == true);
  CHECK(set_if_absent_async(*f.uut, "a", "2").get() == false);
  CHECK(increment_async(*f.uut, "a", 4).get() == 5);
  CHECK(touch_async(*f.uut, "a", 1s).get() == true);
  CHECK(get_or_set_async(*f.uut, "b", [](load_context&) { return "b"; }).get()
        == "b");
  auto updated = update_async(*f.uut, "a", [](std::optional<bytes_view> old) {
    return bytes{old.value_or("none")} + "!";
  });
  CHECK(updated.get().value() == "5!");
  CHECK(erase_async(*f.uut, "a").get() == true);
  CHECK(f.uut->clear());
  CHECK(f.uut->size() == 0);
}

// -- G1: per-key order ---------------------------------------------------------------

TEST_CASE("a read that starts after a write returned sees it", "[region][G1]") {
  // One writer per key counts up; readers note the last number known to be
  // written before they look, and what they see may not be older. Readers may
  // not see a key's numbers go back either.
  constexpr int keys = 4;
  constexpr int writes = 20'000;
  region_fixture f;
  std::array<std::atomic<int>, keys> written{};
  std::atomic<int> stale{0};
  std::atomic<int> writers{2};
  for (int k = 0; k < keys; ++k)
    REQUIRE(f.uut->set(std::to_string(k), "0"));
  crew(4, [&](int t) {
    if (t < 2) {
      for (int i = 1; i <= writes; ++i)
        for (auto k : {t, t + 2}) {
          if (f.uut->set(std::to_string(k), std::to_string(i)) != true)
            ++stale;
          written[static_cast<std::size_t>(k)].store(i);
        }
      --writers;
      return;
    }
    std::array<int, keys> seen{};
    for (int k = 0; writers > 0; k = (k + 1) % keys) {
      auto i = static_cast<std::size_t>(k);
      auto known = written[i].load();
      auto value = std::stoi(f.uut->get(std::to_string(k))->value_or("-1"));
      if (value < known || value < seen[i])
        ++stale;
      seen[i] = value;
    }
  });
  CHECK(stale == 0);
}

// -- G2: one load --------------------------------------------------------------------

TEST_CASE("64 threads that miss one key run the loader once", "[region][G2]") {
  region_fixture f;
  std::atomic<int> runs{0};
  std::atomic<int> wrong{0};
  for (int round = 0; round < 20; ++round) {
    auto key = "key " + std::to_string(round);
    crew(64, [&](int) {
      auto value = f.uut->get_or_set(key, [&](load_context& x) {
        ++runs;
        std::this_thread::yield();
        return x.key() + " loaded";
      });
      if (value != key + " loaded")
        ++wrong;
    });
    CHECK(runs == round + 1);
  }
  CHECK(wrong == 0);
}

TEST_CASE("waiters of one load share its result", "[region][G2]") {
  region_fixture f;
  gate door;
  auto first = ask(f, "a", [&](load_context&) {
    door.pass();
    return "first";
  });
  door.await_arrival();
  auto second = ask(f, "a", [](load_context&) -> bytes {
    throw std::logic_error{"must not run"};
  });
  await_waiters(f, 2);
  auto other = ask(f, "b", [](load_context&) { return "other"; });
  CHECK(other.get() == "other"); // A slow loader delays no other key.
  door.open();
  CHECK(first.get() == "first");
  CHECK(second.get() == "first");
}

TEST_CASE("a loader that throws is replaced by the next waiter's",
          "[region][G2]") {
  region_fixture f;
  gate door;
  auto first = ask(f, "a", [&](load_context&) -> bytes {
    door.pass();
    throw std::runtime_error{"no database"};
  });
  door.await_arrival();
  auto second = ask(f, "a", [](load_context& x) {
    return "attempt " + std::to_string(x.attempt());
  });
  await_waiters(f, 2);
  door.open();
  auto failed = first.get();
  REQUIRE(!failed);
  CHECK(failed.error() == errc::load_failed);
  CHECK(failed.error().text() == "no database");
  CHECK(second.get() == "attempt 2");
  CHECK(f.get("a") == "attempt 2");
}

TEST_CASE("an error that a loader returns goes to all its waiters",
          "[region][G2]") {
  region_fixture f;
  gate door;
  auto first = ask(f, "a", [&](load_context&) -> expected<bytes> {
    door.pass();
    return fail(errc::load_failed, "no such row");
  });
  door.await_arrival();
  auto second = ask(f, "a", [](load_context&) { return "unused"; });
  await_waiters(f, 2);
  door.open();
  CHECK(first.get().error().text() == "no such row");
  CHECK(second.get().error().text() == "no such row");
  CHECK(f.uut->get_or_set("a", [](load_context&) { return "later"; })
        == "later");
}

TEST_CASE("a loader that outlives its time is replaced and its result dropped",
          "[region][G2]") {
  region_fixture f{with_timeout(1s)};
  gate door;
  std::stop_token told;
  auto first = ask(f, "a", [&](load_context& x) {
    told = x.stop();
    door.pass();
    return "late";
  });
  door.await_arrival();
  auto second = ask(f, "a", [](load_context&) { return "second"; });
  await_waiters(f, 2);
  f.time.advance(999ms);
  f.loads->tick();
  CHECK(first.wait_for(0s) == std::future_status::timeout);
  f.time.advance(1ms);
  f.loads->tick();
  CHECK(first.get().error() == errc::load_timeout);
  CHECK(second.get() == "second");
  CHECK(told.stop_requested());
  door.open();
  // The late result must find nothing to do; the drain waits for its thread.
  CHECK(f.loads->drain(std::chrono::steady_clock::now() + 30s).empty());
  CHECK(f.get("a") == "second");
}

TEST_CASE("a load gives up after its attempts and nobody hangs",
          "[region][G2]") {
  region_fixture f{with_timeout(30s, 2)};
  gate door;
  std::atomic<int> runs{0};
  auto dying = [&](load_context&) -> bytes {
    if (++runs == 1)
      door.pass();
    throw 42; // Not even an exception class.
  };
  auto first = ask(f, "a", dying);
  door.await_arrival();
  auto second = ask(f, "a", dying);
  await_waiters(f, 2);
  auto third = ask(f, "a", dying);
  await_waiters(f, 3);
  door.open();
  CHECK(first.get().error() == errc::load_failed);
  CHECK(second.get().error() == errc::load_failed);
  CHECK(third.get().error() == errc::load_failed);
  CHECK(runs == 2);
  CHECK(f.uut->get_or_set("a", [](load_context&) { return "x"; }) == "x");
}

TEST_CASE("a cancelled load answers its waiters and stores nothing",
          "[region][G2]") {
  region_fixture f;
  gate door;
  auto first = ask(f, "a", [&](load_context&) {
    door.pass();
    return "late";
  });
  door.await_arrival();
  auto [loads, total] = f.loads->list(10);
  REQUIRE(total == 1);
  CHECK(loads[0].region == "test");
  CHECK(loads[0].key == "a");
  CHECK(loads[0].attempt == 1);
  CHECK(!loads[0].fenced);
  REQUIRE(f.loads->cancel(loads[0].id));
  CHECK(first.get().error() == errc::load_cancelled);
  CHECK(f.loads->cancel(loads[0].id).error() == errc::unknown_load);
  CHECK(f.uut->get_or_set("a", [](load_context&) { return "new"; }) == "new");
  door.open();
  CHECK(f.loads->drain(std::chrono::steady_clock::now() + 30s).empty());
  CHECK(f.get("a") == "new");
}

TEST_CASE("too many loads are refused and leave no lease behind",
          "[region][G2]") {
  region_fixture f{{}, 1};
  gate door;
  auto blocked = ask(f, "blocked", [&](load_context&) {
    door.pass();
    return "x";
  });
  door.await_arrival();
  std::vector<std::future<expected<std::optional<bytes>>>> queued;
  for (std::size_t i = 0; i < defaults::loader_queue; ++i)
    queued.push_back(get_or_set_async(*f.uut, "q" + std::to_string(i),
                                      [](load_context&) { return "queued"; }));
  auto refused
    = f.uut->get_or_set("one more", [](load_context&) { return "x"; });
  REQUIRE(!refused);
  CHECK(refused.error() == errc::overloaded);
  door.open();
  for (auto& x : queued)
    if (x.get() != "queued")
      FAIL("a queued load failed");
  CHECK(f.uut->get_or_set("one more", [](load_context&) { return "now"; })
        == "now");
}

TEST_CASE("a loader chooses the TTL", "[region]") {
  region_fixture f;
  REQUIRE(f.uut->get_or_set("a", [](load_context& x) {
    x.ttl(5ms);
    return "1";
  }));
  CHECK(f.uut->ttl("a").value() == ttl_duration{5});
}

// -- G3: an invalidation wins --------------------------------------------------------

TEST_CASE("an invalidation during a load: waiters get the value, readers a new "
          "load",
          "[region][G3]") {
  region_fixture f;
  gate door;
  auto first = ask(f, "a", [&](load_context&) {
    door.pass();
    return "stale";
  });
  door.await_arrival();
  CHECK(f.uut->erase("a") == false);
  CHECK(f.loads->list(10).first.at(0).fenced);
  CHECK(f.uut->get_or_set("a", [](load_context&) { return "fresh"; })
        == "fresh");
  door.open();
  CHECK(first.get() == "stale");
  CHECK(f.get("a") == "fresh");
}

TEST_CASE("10,000 rounds of erase racing a load never leave the loaded value "
          "behind",
          "[region][G3]") {
  // `source` is the database. An invalidator changes it and then erases the
  // key; whatever a load read before that must not be there afterwards.
  constexpr int rounds = 10'000;
  region_fixture f;
  std::atomic<int> source{0};
  std::atomic<int> round{0};
  std::atomic<int> started{0};
  std::atomic<int> stale{0};
  std::jthread reader{[&](const std::stop_token& stop) {
    int seen = 0;
    while (!stop.stop_requested()) {
      auto now = round.load(std::memory_order_acquire);
      if (now == seen) {
        std::this_thread::yield();
        continue;
      }
      seen = now;
      started.store(now, std::memory_order_release);
      auto value = f.uut->get_or_set(
        "k", [&](load_context&) { return std::to_string(source.load()); });
      if (!value)
        ++stale;
    }
  }};
  std::minstd_rand random{5};
  for (int i = 1; i <= rounds; ++i) {
    round.store(i, std::memory_order_release);
    eventually([&] { return started.load(std::memory_order_acquire) == i; });
    // Meet the load in all its stages.
    for (auto n = random() % 2'000; n > 0; --n)
      std::atomic_signal_fence(std::memory_order_seq_cst);
    source.store(i);
    switch (i % 3) {
      case 0:
        if (!f.uut->erase("k"))
          ++stale;
        break;
      case 1:
        if (!f.uut->clear())
          ++stale;
        break;
      default:
        if (!f.uut->set("k", std::to_string(i)))
          ++stale;
    }
    // From here on, no value that was read before `source` changed may show.
    auto value = f.uut->get("k");
    if (!value || std::stoi(value->value_or(std::to_string(i))) < i)
      ++stale;
  }
  reader.request_stop();
  reader.join();
  auto last = f.uut->get("k");
  REQUIRE(last);
  CHECK(std::stoi(last->value_or(std::to_string(rounds))) == rounds);
  CHECK(stale == 0);
}

// -- updates -------------------------------------------------------------------------

TEST_CASE("parallel updates and increments lose nothing", "[region]") {
  constexpr int threads = 4;
  constexpr int rounds = 2'000;
  region_fixture f;
  std::atomic<int> failures{0};
  crew(threads, [&](int t) {
    for (int i = 0; i < rounds; ++i) {
      if (t % 2 == 0) {
        auto updated = f.uut->update("n", [](std::optional<bytes_view> old) {
          auto n = std::stoi(std::string{old.value_or("0")});
          std::this_thread::yield(); // Lose some races.
          return std::to_string(n + 1);
        });
        if (!updated)
          ++failures;
      } else if (!f.uut->increment("n")) {
        ++failures;
      }
    }
  });
  CHECK(failures == 0);
  CHECK(f.get("n") == std::to_string(threads * rounds));
}

TEST_CASE("an update that loses every race finishes under a lease",
          "[region]") {
  region_fixture f;
  int runs = 0;
  auto result = f.uut->update("n", [&](std::optional<bytes_view> old) {
    // Somebody always is faster, as long as the shard lets him.
    if (++runs <= static_cast<int>(defaults::update_races)) {
      REQUIRE(f.uut->increment("n", 100));
    }
    return bytes{old.value_or("none")} + "!";
  });
  CHECK(runs == static_cast<int>(defaults::update_races) + 1);
  CHECK(result.value() == "400!");
  CHECK(f.get("n") == "400!");
}

TEST_CASE("an update that a blind write overtakes counts as before it",
          "[region]") {
  region_fixture f;
  int runs = 0;
  auto result = f.uut->update("n", [&](std::optional<bytes_view> old) {
    ++runs;
    REQUIRE(f.uut->set("n", "blind " + std::to_string(runs)));
    return bytes{old.value_or("none")} + "!";
  });
  CHECK(runs == static_cast<int>(defaults::update_races) + 1);
  CHECK(result.value() == "blind 4!");
  CHECK(f.get("n") == "blind 5");
}

TEST_CASE("an update that throws or returns an error changes nothing",
          "[region]") {
  region_fixture f;
  REQUIRE(f.uut->set("a", "1"));
  auto thrown = f.uut->update("a", [](auto) -> expected<std::optional<bytes>> {
    throw std::runtime_error{"oops"};
  });
  CHECK(thrown.error() == errc::update_failed);
  CHECK(thrown.error().text() == "oops");
  auto returned
    = f.uut->update("a", [](auto) -> expected<std::optional<bytes>> {
        return fail(errc::invalid_argument, "no");
      });
  CHECK(returned.error() == errc::invalid_argument);
  CHECK(f.get("a") == "1");
  // Under the lease, too, and the lease is given back.
  int runs = 0;
  auto late = f.uut->update("a", [&](auto) -> expected<std::optional<bytes>> {
    if (++runs <= static_cast<int>(defaults::update_races)) {
      REQUIRE(f.uut->increment("a"));
      return "lost";
    }
    throw std::runtime_error{"oops"};
  });
  CHECK(late.error() == errc::update_failed);
  CHECK(f.uut->increment("a") == 6);
}

TEST_CASE("an update may remove the entry", "[region]") {
  region_fixture f;
  REQUIRE(f.uut->set("a", "1"));
  auto erased = f.uut->update(
    "a", [](auto) -> expected<std::optional<bytes>> { return std::nullopt; });
  CHECK(erased.value() == std::nullopt);
  CHECK(f.get("a") == "<none>");
}

// -- G4: nothing shared --------------------------------------------------------------

TEST_CASE("what a caller does to a value it got changes nothing for others",
          "[region][G4]") {
  region_fixture f;
  bytes mine = "value";
  REQUIRE(f.uut->set("a", mine));
  mine[0] = 'X';
  auto first = f.uut->get("a");
  (**first)[0] = 'Y';
  CHECK(f.get("a") == "value");
}

// -- the end -------------------------------------------------------------------------

TEST_CASE("a drain ends at its deadline and names what is stuck",
          "[region][G9]") {
  region_fixture f;
  gate door;
  auto first = ask(f, "slow", [&](load_context& x) {
    door.pass();
    return x.stop().stop_requested() ? "told" : "not told";
  });
  door.await_arrival();
  auto stuck = f.loads->drain(std::chrono::steady_clock::now());
  REQUIRE(stuck.size() == 1);
  CHECK(stuck[0] == "load test/slow (attempt 1, 0.0 s, 1 waiter)");
  CHECK(first.get().error() == errc::shutting_down);
  CHECK(f.uut->get_or_set("b", [](load_context&) { return "x"; }).error()
        == errc::shutting_down);
  auto update = update_async(*f.uut, "b", [](auto) { return bytes{"x"}; });
  CHECK(update.get().error() == errc::shutting_down);
  CHECK(f.loads->in_flight() == 0);
  door.open();
}

TEST_CASE("what is stuck is named in short lines of printable text",
          "[region][G9]") {
  region_fixture f;
  gate door;
  auto first
    = ask(f, "\x1b[31m\n" + std::string(60'000, 'k'), [&](load_context&) {
        door.pass();
        return "v";
      });
  door.await_arrival();
  auto stuck = f.loads->drain(std::chrono::steady_clock::now());
  REQUIRE(stuck.size() == 1);
  CHECK(stuck[0].find("load test/\\x1b[31m\\x0akkk") == 0);
  CHECK(stuck[0].size() < 300);
  door.open();
}
