// Loads of several keys that wait for others, take loads over, or load themselves.

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/plain/loads/bulk_fixture.hpp"

using namespace troupe;
using namespace bulk_tests;
using namespace std::chrono_literals;

TEST_CASE(
  "bulk loads with keys in common, in any order, never wait in a circle",
  "[loads][bulk]") {
  region_fixture f{{}, 4};
  const auto later = GENERATE(false, true);
  constexpr int rounds = 100;
  const auto keys = names(8);
  const std::vector<std::string> reversed(keys.rbegin(), keys.rend());
  std::atomic<std::size_t> loaded{0};
  std::atomic<std::size_t> calls{0};
  std::atomic<int> wrong{0};
  const auto load = [&](bulk_context& context) {
    loaded += context.size();
    ++calls;
    return values_of(context);
  };
  for (int round = 0; round < rounds; ++round) {
    REQUIRE(f.uut->clear());
    crew(2, [&](int t) {
      const auto& own = t == 0 ? keys : reversed;
      const auto got = later ? get_many_later(*f.uut, own, load).get()
                             : get_many(*f.uut, own, load);
      if (!got)
        ++wrong;
      else
        for (std::size_t i = 0; i < own.size(); ++i)
          if (text_of(got->at(i)) != "value of " + own[i])
            ++wrong;
    });
  }
  CHECK(wrong == 0);
  // In each round, one of the loaders brings each key, once.
  CHECK(loaded == rounds * keys.size());
  check_drained(f);
}

TEST_CASE("a joined load that fails passes to the bulk call, with all its keys",
          "[loads][bulk]") {
  region_fixture f;
  const auto later = GENERATE(false, true);
  test_gate first_door;
  test_gate own_door;
  auto other = on_thread([&] {
    return get_many(*f.uut, {"x", "y"},
                    [&](bulk_context&) -> expected<bulk_values> {
                      first_door.pass();
                      throw std::runtime_error{"first"};
                    });
  });
  first_door.await_arrival();
  std::mutex mutex;
  std::vector<std::vector<std::string>> calls;
  const auto loader = [&](bulk_context& context) {
    {
      std::lock_guard guard{mutex};
      calls.push_back(context.keys());
    }
    if (context.keys().front() == "own")
      own_door.pass();
    return values_of(context);
  };
  const std::vector<std::string> keys{"x", "own", "y"};
  auto answers = later
                   ? get_many_later(*f.uut, keys, loader)
                   : on_thread([&] { return get_many(*f.uut, keys, loader); });
  own_door.await_arrival();
  // It joined "x" and "y", and its loader runs: they cannot pass to it now.
  first_door.open();
  const auto failed = other.get();
  REQUIRE(failed);
  CHECK(failed->at(0).value.error() == errc::load_failed);
  CHECK(failed->at(1).value.error() == errc::load_failed);
  own_door.open();
  CHECK(
    texts_of(answers.get())
    == std::vector<std::string>{"value of x", "value of own", "value of y"});
  REQUIRE(calls.size() == 2);
  CHECK(calls[0] == std::vector<std::string>{"own"});
  CHECK(calls[1] == std::vector<std::string>{"x", "y"});
  check_drained(f);
}

TEST_CASE("a load that fails passes to a bulk call that only waits",
          "[loads][bulk]") {
  region_fixture f;
  const auto later = GENERATE(false, true);
  test_gate door;
  std::vector<std::future<expected<std::optional<bytes>>>> others;
  for (const auto* key : {"x", "y"})
    others.push_back(get_or_set_async(
      *f.uut, key, [&](load_context&) -> expected<std::optional<bytes>> {
        door.pass();
        throw std::runtime_error{"first"};
      }));
  door.await_arrival();
  door.await_arrival();
  noting_loader loader;
  const std::vector<std::string> keys{"x", "y"};
  auto answers
    = later
        ? get_many_later(*f.uut, keys, loader.function())
        : on_thread([&] { return get_many(*f.uut, keys, loader.function()); });
  eventually([&] {
    const auto [loads, total] = f.loads->list(10);
    return total == 2 && loads[0].waiters == 2 && loads[1].waiters == 2;
  });
  door.open();
  CHECK(texts_of(answers.get())
        == std::vector<std::string>{"value of x", "value of y"});
  for (auto& x : others)
    CHECK(x.get().error() == errc::load_failed);
  // In one call or in two: the loads fail one after the other.
  std::size_t loaded = 0;
  for (const auto& x : loader.calls)
    loaded += x.size();
  CHECK(loaded == 2);
  check_drained(f);
}

TEST_CASE("a bulk loader that takes too long is replaced by a waiter's loader",
          "[loads][bulk]") {
  region_fixture f;
  const auto place = GENERATE(load_on::caller, load_on::pool);
  test_gate door;
  std::promise<void> stopped;
  auto bulk = on_thread([&] {
    return get_many(
      *f.uut, {"a", "b"},
      [&](bulk_context& context) {
        const auto stop = context.stop();
        const std::stop_callback told{stop, [&] { stopped.set_value(); }};
        door.pass();
        return values_of(context);
      },
      {}, {.on = place});
  });
  door.await_arrival();
  auto waiter
    = get_or_set_async(*f.uut, "b", [](load_context&) { return "second"; });
  f.time.advance(f.uut->load_timeout() + 1ms);
  f.loads->tick();
  CHECK(waiter.get() == "second");
  stopped.get_future().wait();
  if (place == load_on::pool) {
    const auto answers = bulk.get();
    REQUIRE(answers);
    CHECK(answers->at(0).value.error() == errc::load_timeout);
    CHECK(answers->at(1).value.error() == errc::load_timeout);
    door.open();
  } else {
    door.open();
    const auto answers = bulk.get();
    CHECK(texts_of(answers)
          == std::vector<std::string>{"value of a", "value of b"});
    CHECK(answers->at(0).fenced);
    CHECK(answers->at(1).fenced);
  }
  eventually([&] { return f.get("b") == "second"; });
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("one load of a bulk load can be cancelled", "[loads][bulk]") {
  region_fixture f;
  const auto later = GENERATE(false, true);
  test_gate door;
  std::atomic<bool> all_stopped{false};
  std::atomic<bool> one_stopped{false};
  const auto loader = [&](bulk_context& context) {
    const auto stop = context.stop();
    door.pass();
    all_stopped = stop.stop_requested();
    one_stopped = context.at("key 1").stop().stop_requested();
    return values_of(context);
  };
  auto bulk = later
                ? get_many_later(*f.uut, names(3), loader)
                : on_thread([&] { return get_many(*f.uut, names(3), loader); });
  door.await_arrival();
  const auto [loads, total] = f.loads->list(10);
  REQUIRE(total == 3);
  for (const auto& x : loads)
    if (x.key == "key 1")
      REQUIRE(f.loads->cancel(x.id));
  door.open();
  const auto answers = bulk.get();
  REQUIRE(answers);
  CHECK(text_of(answers->at(0)) == "value of key 0");
  CHECK(answers->at(1).value.error() == errc::load_cancelled);
  CHECK(text_of(answers->at(2)) == "value of key 2");
  CHECK(one_stopped);
  CHECK_FALSE(all_stopped);
  CHECK(f.get("key 1") == "<none>");
}

TEST_CASE("a drain answers the keys of a bulk load that is stuck",
          "[loads][bulk]") {
  region_fixture f;
  test_gate door;
  test_gate other_door;
  auto other = get_or_set_async(*f.uut, "joined", [&](load_context&) {
    other_door.pass();
    return "late";
  });
  other_door.await_arrival();
  auto bulk
    = get_many_later(*f.uut, {"a", "joined", "b"}, [&](bulk_context& context) {
        door.pass();
        return values_of(context);
      });
  door.await_arrival();
  const auto stuck = f.loads->drain(std::chrono::steady_clock::now());
  CHECK(stuck.size() == 3);
  const auto answers = bulk.get();
  REQUIRE(answers);
  for (const auto& x : *answers)
    CHECK(x.value.error() == errc::shutting_down);
  CHECK(other.get().error() == errc::shutting_down);
  CHECK(get_many(*f.uut, {"c"},
                 [](bulk_context& context) { return values_of(context); })
          ->at(0)
          .value.error()
        == errc::shutting_down);
  door.open();
  other_door.open();
}

TEST_CASE("a bulk load that finds the queue full is overloaded",
          "[loads][bulk]") {
  manual_clock time;
  auto loads = std::make_shared<load_coordinator>(time, 1, 1);
  auto executor = std::make_shared<thread_executor>();
  auto uut = open_region("test", {.shards = 4}, time, executor, loads);
  test_gate door;
  auto running = get_or_set_async(*uut, "running", [&](load_context&) {
    door.pass();
    return "value";
  });
  door.await_arrival();
  auto queued
    = get_or_set_async(*uut, "queued", [](load_context&) { return "value"; });
  const auto answers
    = get_many_later(*uut, {"a", "b"}, [](bulk_context& context) {
        return values_of(context);
      }).get();
  REQUIRE(answers);
  CHECK(answers->at(0).value.error() == errc::overloaded);
  CHECK(answers->at(1).value.error() == errc::overloaded);
  door.open();
  CHECK(running.get() == "value");
  CHECK(queued.get() == "value");
  CHECK(loads->drain(std::chrono::steady_clock::now() + 30s).empty());
  uut->stop();
}

TEST_CASE("a bulk load whose run got no thread in time asks for the other keys",
          "[loads][bulk]") {
  region_fixture f{{}, 1};
  test_gate door;
  auto running = get_or_set_async(*f.uut, "running", [&](load_context&) {
    door.pass();
    return "value";
  });
  door.await_arrival();
  test_gate other_door;
  auto other = on_thread([&] {
    return f.uut->get_or_set(
      "k", [&](load_context&) -> expected<std::optional<bytes>> {
        other_door.pass();
        throw std::runtime_error{"first"};
      });
  });
  other_door.await_arrival();
  noting_loader loader;
  auto bulk = get_many_later(*f.uut, {"a", "k"}, loader.function());
  // "k" cannot pass to the call, whose run for "a" waits for a thread.
  other_door.open();
  CHECK(other.get().error() == errc::load_failed);
  f.time.advance(*f.uut->options().queue_timeout);
  f.loads->tick();
  door.open();
  static_cast<void>(running.get());
  const auto answers = bulk.get();
  REQUIRE(answers);
  CHECK(answers->at(0).value.error() == errc::overloaded);
  CHECK(text_of(answers->at(1)) == "value of k");
  check_drained(f);
}

// -- loads that load ---------------------------------------------------------------

TEST_CASE("a bulk loader that asks for one of its own keys gets load_cycle",
          "[loads][bulk]") {
  region_fixture f;
  const auto later = GENERATE(false, true);
  std::vector<std::string> seen;
  const auto loader = [&](bulk_context& context) {
    for (const auto& key : context.keys()) {
      const auto inner
        = f.uut->get_or_set(key, [](load_context&) { return "inner"; });
      seen.push_back(inner ? "value" : inner.error().text());
    }
    const auto bulk
      = get_many(*f.uut, {"own 2", "fine"},
                 [](bulk_context& inner) { return values_of(inner); });
    seen.push_back(text_of(bulk->at(0)));
    seen.push_back(text_of(bulk->at(1)));
    return values_of(context);
  };
  const auto answers
    = later ? get_many_later(*f.uut, {"own 1", "own 2"}, loader).get()
            : get_many(*f.uut, {"own 1", "own 2"}, loader);
  CHECK(texts_of(answers)
        == std::vector<std::string>{"value of own 1", "value of own 2"});
  REQUIRE(seen.size() == 4);
  CHECK(seen[0].find("test/own 1 waits for itself") != std::string::npos);
  CHECK(seen[1].find("test/own 2 waits for itself") != std::string::npos);
  CHECK(seen[2].find("test/own 2 waits for itself") != std::string::npos);
  CHECK(seen[3] == "value of fine");
}

TEST_CASE("a circle through bulk loads of several threads ends with its keys",
          "[loads][bulk]") {
  region_fixture f;
  std::atomic<int> begun{0};
  constexpr int size = 3;
  const auto key = [](int i, int n) {
    return "key " + std::to_string(i % size) + "." + std::to_string(n);
  };
  const auto load = [&](int i) {
    return get_many(
      *f.uut, {key(i, 0), key(i, 1)},
      [&, i](bulk_context&) -> expected<bulk_values> {
        ++begun;
        if (!comes_true([&] { return begun >= size; }))
          return fail(errc::load_failed, "the others did not begin");
        // Waits for one key of the next bulk load, and for one that is fine.
        auto inner
          = get_many(*f.uut, {"fine " + std::to_string(i), key(i + 1, i % 2)},
                     [](bulk_context& x) { return values_of(x); });
        if (!inner->at(1).value)
          return tl::unexpected{inner->at(1).value.error()};
        return bulk_values(2, std::optional<bytes>{"value"});
      });
  };
  std::vector<std::future<bulk_answers>> all;
  for (int i = 0; i < size; ++i)
    all.push_back(on_thread([&, i] { return load(i); }));
  int circles = 0;
  for (auto& x : all) {
    const auto answers = x.get();
    REQUIRE(answers);
    for (const auto& one : *answers)
      if (!one.value) {
        ++circles;
        CHECK(one.value.error() == errc::load_cycle);
      }
  }
  // The error passes back through all of the circle.
  CHECK(circles == 2 * size);
  CHECK(f.get("fine 0") == "value of fine 0");
  check_drained(f);
}

TEST_CASE("bulk loads that load in bulk need no further threads",
          "[loads][bulk]") {
  region_fixture f{{}, 1};
  constexpr int depth = 50;
  const std::function<bulk_answers(int)> load = [&](int n) {
    return get_many(*f.uut, {"a" + std::to_string(n), "b" + std::to_string(n)},
                    [&, n](bulk_context& context) -> expected<bulk_values> {
                      if (n > 0)
                        if (const auto inner = load(n - 1); !inner)
                          return tl::unexpected{inner.error()};
                      return values_of(context);
                    });
  };
  std::promise<bulk_answers> inner;
  auto outer = get_many_later(*f.uut, {"outer"}, [&](bulk_context& context) {
    inner.set_value(load(depth));
    return values_of(context);
  });
  CHECK(texts_of(outer.get()) == std::vector<std::string>{"value of outer"});
  CHECK(text_of(inner.get_future().get()->at(0)) == "value of a50");
  CHECK(f.uut->size() == 2 * (depth + 1) + 1);
}

TEST_CASE("a loader that needs a bulk load which waits for a thread runs it",
          "[loads][bulk]") {
  region_fixture f{{}, 1};
  test_gate door;
  auto outer = get_or_set_async(
    *f.uut, "outer", [&](load_context&) -> expected<std::optional<bytes>> {
      door.pass();
      return f.uut->get_or_set("inner 1", [](load_context&) { return "own"; });
    });
  door.await_arrival();
  // The only thread is busy: this load waits for it.
  noting_loader loader;
  auto inner
    = get_many_later(*f.uut, {"inner 0", "inner 1"}, loader.function());
  door.open();
  CHECK(outer.get() == "value of inner 1");
  CHECK(texts_of(inner.get())
        == std::vector<std::string>{"value of inner 0", "value of inner 1"});
  CHECK(loader.calls.size() == 1);
}
