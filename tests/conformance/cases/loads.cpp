// One load for all that miss a key, and what becomes of it (G2).

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

region_options with_timeout(std::chrono::milliseconds load_timeout,
                            std::uint32_t attempts = 3) {
  region_options x;
  x.load_timeout = load_timeout;
  x.load_attempts = attempts;
  return x;
}

} // namespace

PROVIDER_CASE("a missing value is loaded, a present one is not", "[loads]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  std::atomic<int> runs{0};
  auto get_or_set = [&](const char* value) {
    auto loader = [&runs, value](load_context& context) -> loaded {
      ++runs;
      CHECK(context.key() == "k");
      CHECK(context.attempt() == 1);
      return bytes{value};
    };
    return later ? get_or_set_async(*f.uut, "k", loader).get()
                 : f.uut->get_or_set("k", loader);
  };
  CHECK(get_or_set("first") == "first");
  CHECK(get_or_set("second") == "first");
  CHECK(f.get("k") == "first");
  CHECK(runs == 1);
  REQUIRE(f.uut->erase("k"));
  CHECK(get_or_set("third") == "third");
  CHECK(runs == 2);
}

PROVIDER_CASE("64 threads that miss one key run the loader once",
              "[loads][G2]") {
  fixture f{kind};
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

PROVIDER_CASE("many calls without waiting run the loader once", "[loads][G2]") {
  fixture f{kind};
  std::atomic<int> runs{0};
  std::vector<std::future<loaded>> all;
  for (int i = 0; i < 200; ++i)
    all.push_back(
      get_or_set_async(*f.uut, "k", [&runs](load_context&) -> loaded {
        ++runs;
        return bytes{"loaded"};
      }));
  for (auto& x : all)
    CHECK(x.get() == "loaded");
  CHECK(runs == 1);
}

PROVIDER_CASE("waiters of one load share its result", "[loads][G2]") {
  fixture f{kind};
  test_gate door;
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

PROVIDER_CASE("a loader that throws is replaced by the next waiter's",
              "[loads][G2]") {
  fixture f{kind};
  test_gate door;
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

PROVIDER_CASE("an error that a loader returns goes to all its waiters",
              "[loads][G2]") {
  fixture f{kind};
  test_gate door;
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

PROVIDER_CASE(
  "a loader that outlives its time is replaced and its result dropped",
  "[loads][G2]") {
  fixture f{kind, with_timeout(1s)};
  test_gate door;
  std::stop_token told;
  auto first = ask_pool(f, "a", [&](load_context& x) {
    told = x.stop();
    door.pass();
    return "late";
  });
  door.await_arrival();
  auto second = ask_pool(f, "a", [](load_context&) { return "second"; });
  await_waiters(f, 2);
  f.load_time.advance(999ms);
  f.loads->tick();
  CHECK(first.wait_for(0s) == std::future_status::timeout);
  f.load_time.advance(1ms);
  f.loads->tick();
  CHECK(first.get().error() == errc::load_timeout);
  CHECK(second.get() == "second");
  CHECK(told.stop_requested());
  door.open();
  // The late result must find nothing to do; the drain waits for its thread.
  CHECK(
    f.loads->drain(std::chrono::steady_clock::now() + longest_wait).empty());
  CHECK(f.get("a") == "second");
}

PROVIDER_CASE(
  "a caller gets what its own loader brings too late, and it is not "
  "stored",
  "[loads][G2]") {
  fixture f{kind, with_timeout(1s)};
  test_gate door;
  std::stop_token told;
  auto first = ask(f, "a", [&](load_context& x) {
    told = x.stop();
    door.pass();
    return "late";
  });
  door.await_arrival();
  auto second = ask(f, "a", [](load_context&) { return "second"; });
  await_waiters(f, 2);
  f.load_time.advance(1s);
  f.loads->tick();
  // The next waiter's thread runs its loader.
  CHECK(second.get() == "second");
  CHECK(told.stop_requested());
  door.open();
  CHECK(first.get() == "late");
  await_no_load(f);
  CHECK(f.get("a") == "second");
}

PROVIDER_CASE("a load gives up after its attempts and no caller hangs",
              "[loads][G2]") {
  fixture f{kind, with_timeout(30s, 2)};
  test_gate door;
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

PROVIDER_CASE("a cancelled load answers its waiters and stores nothing",
              "[loads][G2]") {
  fixture f{kind};
  test_gate door;
  auto first = ask_pool(f, "a", [&](load_context&) {
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
  CHECK(
    f.loads->drain(std::chrono::steady_clock::now() + longest_wait).empty());
  CHECK(f.get("a") == "new");
}

PROVIDER_CASE("too many loads are refused and leave no lease behind",
              "[loads][G2][G10]") {
  fixture f{kind, {}, 1};
  test_gate door;
  auto blocked = ask_pool(f, "blocked", [&](load_context&) {
    door.pass();
    return "x";
  });
  door.await_arrival();
  std::vector<std::future<loaded>> queued;
  for (std::size_t i = 0; i < defaults::loader_queue; ++i)
    queued.push_back(
      get_or_set_async(*f.uut, "q" + std::to_string(i), bring("queued")));
  eventually(
    [&] { return f.loads->in_flight() == defaults::loader_queue + 1; });
  auto refused
    = f.uut->get_or_set("one more", bring("x"), {}, {.on = load_on::pool});
  REQUIRE(!refused);
  CHECK(refused.error() == errc::overloaded);
  door.open();
  for (auto& x : queued)
    if (x.get() != "queued")
      FAIL("a queued load failed");
  CHECK(f.uut->get_or_set("one more", bring("now")) == "now");
}

PROVIDER_CASE("a load ends a lease that it was granted, whatever it brings",
              "[loads][G2]") {
  // The next load of the key runs; it neither joins nor waits.
  fixture f{kind, {.max_value_size = 10}};
  const auto how = GENERATE(range(0, 5));
  auto ended = f.uut->get_or_set("k", [how](load_context& context) -> loaded {
    switch (how) {
      case 0:
        throw std::runtime_error{"thrown"};
      case 1:
        return fail(errc::load_failed, "returned");
      case 2:
        return std::nullopt;
      case 3:
        return bytes(11, 'v');
      default:
        context.ttl(-1ms);
        return bytes{"x"};
    }
  });
  const auto code = code_of(ended);
  CHECK(code
        == (how < 2    ? errc::load_failed
            : how == 2 ? errc::none
            : how == 3 ? errc::value_too_large
                       : errc::invalid_argument));
  CHECK(f.get("k") == "<none>");
  CHECK(f.uut->get_or_set("k", bring("next")) == "next");
  CHECK(f.get("k") == "next");
}

PROVIDER_CASE("a loader may find that there is no value", "[loads]") {
  fixture f{kind};
  auto none = [](load_context&) -> loaded { return std::nullopt; };
  auto found = f.uut->get_or_set("k", none);
  REQUIRE(found);
  CHECK(!*found);
  auto later = get_or_set_async(*f.uut, "k", none).get();
  REQUIRE(later);
  CHECK(!*later);
  CHECK(f.uut->size() == 0);
  CHECK(f.uut->get_or_set("k", [](load_context&) { return "now"; }) == "now");
}

PROVIDER_CASE("caller and loader choose TTL and idle time", "[loads]") {
  fixture f{kind, {.ttl = 10h, .idle = 8h}};
  auto load = [&](const char* key, std::optional<ttl_duration> ttl,
                  std::optional<ttl_duration> idle, const write_options& how) {
    return f.during([&] {
      REQUIRE(f.uut->get_or_set(
        key,
        [&](load_context& context) -> loaded {
          if (ttl)
            context.ttl(*ttl);
          if (idle)
            context.idle(*idle);
          return bytes{"1"};
        },
        how));
    });
  };
  auto made = load("region's", std::nullopt, std::nullopt, {});
  CHECK(f.falls(look_at(*f.uut, "region's")->ttl_end, made, 10h));
  CHECK(f.ends("region's", made, 8h));
  made = load("caller's", std::nullopt, std::nullopt, {.ttl = 5h, .idle = 4h});
  CHECK(f.falls(look_at(*f.uut, "caller's")->ttl_end, made, 5h));
  CHECK(f.ends("caller's", made, 4h));
  made = load("loader's", 3h, 2h, {.ttl = 5h, .idle = 4h});
  CHECK(f.falls(look_at(*f.uut, "loader's")->ttl_end, made, 3h));
  CHECK(f.ends("loader's", made, 2h));
  load("none", no_expiry, no_expiry, {.ttl = 5h, .idle = 4h});
  CHECK(f.uut->ttl("none") == no_expiry);
  CHECK(f.uut
          ->get_or_set("bad",
                       [](load_context& context) -> loaded {
                         context.idle(-1ms);
                         return bytes{"1"};
                       })
          .error()
        == errc::invalid_argument);
  CHECK(f.get("bad") == "<none>");
}

PROVIDER_CASE("a loaded value expires and is loaded again", "[loads][expiry]") {
  fixture f{kind};
  int runs = 0;
  auto load = [&](load_context&) -> loaded { return std::to_string(++runs); };
  CHECK(f.uut->get_or_set("k", load, {.ttl = f.units(1)}) == "1");
  f.advance(f.units(1));
  CHECK(f.uut->get_or_set("k", load) == "2");
  CHECK(f.get("k") == "2");
}

PROVIDER_CASE(
  "options that a load refuses are refused when the key is there, too",
  "[loads][G10]") {
  fixture f{kind};
  const auto there = GENERATE(false, true);
  if (there)
    REQUIRE(f.uut->set("k", "x"));
  auto load = [](load_context&) { return "loaded"; };
  auto code = [&](const write_options& how) {
    auto value = f.uut->get_or_set("k", load, how);
    auto later = get_or_set_async(*f.uut, "k", load, how).get();
    REQUIRE(!value);
    REQUIRE(!later);
    CHECK(value.error() == later.error());
    return value.error().code();
  };
  CHECK(code({.ttl = 0ms}) == errc::invalid_argument);
  CHECK(code({.idle = -1ms}) == errc::invalid_argument);
  CHECK(code({.jitter = 1.5}) == errc::invalid_argument);
  CHECK(code({.condition = write_condition::if_absent})
        == errc::invalid_argument);
  CHECK(code({.condition = write_condition::if_present})
        == errc::invalid_argument);
  CHECK(f.get("k") == (there ? "x" : "<none>"));
}

PROVIDER_CASE("a slow loader delays no other key, nor other users of its own",
              "[loads][G5]") {
  fixture f{kind};
  test_gate door;
  auto slow = ask(f, "slow", [&](load_context&) {
    door.pass();
    return "loaded";
  });
  door.await_arrival();
  CHECK(f.uut->set("other", "1") == true);
  CHECK(f.get("other") == "1");
  CHECK(f.uut->increment("n", 1) == 1);
  CHECK(f.uut->get_or_set("third", bring("3")) == "3");
  CHECK(f.get("slow") == "<none>");
  CHECK(f.uut->set("slow", "written") == true);
  CHECK(f.get("slow") == "written");
  door.open();
  CHECK(slow.get() == "loaded");
  CHECK(f.get("slow") == "written");
}

PROVIDER_CASE("loaders of many keys run side by side", "[loads]") {
  // Each waits until all have begun.
  constexpr int keys = 16;
  fixture f{kind};
  std::atomic<int> begun{0};
  std::vector<std::future<loaded>> all;
  for (int i = 0; i < keys; ++i)
    all.push_back(get_or_set_async(
      *f.uut, std::to_string(i), [&](load_context& x) -> loaded {
        ++begun;
        if (!comes_true([&] { return begun == keys; }))
          return std::nullopt;
        return x.key() + "!";
      }));
  for (int i = 0; i < keys; ++i)
    CHECK(all[static_cast<std::size_t>(i)].get() == std::to_string(i) + "!");
}

// -- the end -----------------------------------------------------------------------

PROVIDER_CASE("a drain ends at its deadline and names what is stuck",
              "[loads][G9]") {
  fixture f{kind};
  test_gate door;
  auto first = ask_pool(f, "slow", [&](load_context& x) {
    door.pass();
    return x.stop().stop_requested() ? "told" : "not told";
  });
  door.await_arrival();
  auto stuck = f.loads->drain(std::chrono::steady_clock::now());
  REQUIRE(stuck.size() == 1);
  CHECK(stuck[0] == "load test/slow (attempt 1, 0.0 s, 1 waiter)");
  CHECK(first.get().error() == errc::shutting_down);
  CHECK(f.uut->get_or_set("b", bring("x")).error() == errc::shutting_down);
  auto update = update_async(*f.uut, "b", [](auto) { return bytes{"x"}; });
  CHECK(update.get().error() == errc::shutting_down);
  await_no_load(f); // Counted out once its callers are answered.
  door.open();
}

PROVIDER_CASE("what is stuck is named in short lines of printable text",
              "[loads][G9]") {
  fixture f{kind};
  test_gate door;
  auto first
    = ask_pool(f, "\x1b[31m\n" + std::string(60'000, 'k'), [&](load_context&) {
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
