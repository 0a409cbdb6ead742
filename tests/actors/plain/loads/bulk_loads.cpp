// Loads of several keys with one loader.

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "futures.hpp"
#include "test_gate.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

using bulk_answers = expected<std::vector<load_answer>>;

std::vector<std::string> names(std::size_t n) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < n; ++i)
    result.push_back("key " + std::to_string(i));
  return result;
}

bulk_answers get_many(region& in, const std::vector<std::string>& keys,
                      const bulk_loader& loader, const write_options& how = {},
                      const load_terms& terms = {}) {
  const std::vector<bytes_view> views(keys.begin(), keys.end());
  return in.get_or_load_many(views, loader, how, terms);
}

/// The same without a thread that waits.
std::future<bulk_answers>
get_many_later(region& in, const std::vector<std::string>& keys,
               const bulk_loader& loader, bool look = true) {
  const std::vector<bytes_view> views(keys.begin(), keys.end());
  return future_of<std::vector<load_answer>>([&](auto done) {
    in.get_or_load_many_then(views, look, loader, {}, done);
  });
}

/// "value of KEY" for each key.
bulk_values values_of(const bulk_context& context) {
  bulk_values result;
  for (const auto& key : context.keys())
    result.emplace_back(std::optional<bytes>{"value of " + key});
  return result;
}

/// A loader that notes the keys of each of its calls.
struct noting_loader {
  bulk_loader function() {
    return [this](bulk_context& context) -> expected<bulk_values> {
      {
        std::lock_guard guard{mutex};
        calls.push_back(context.keys());
      }
      return values_of(context);
    };
  }

  std::mutex mutex;
  std::vector<std::vector<std::string>> calls;
};

/// The value of an answer, "<none>", or the name of its error.
std::string text_of(const load_answer& x) {
  if (!x.value)
    return "error: " + x.value.error().text();
  return x.value->value_or("<none>");
}

std::vector<std::string> texts_of(const bulk_answers& x) {
  REQUIRE(x);
  std::vector<std::string> result;
  for (const auto& one : *x)
    result.push_back(text_of(one));
  return result;
}

void check_drained(region_fixture& f) {
  eventually([&] { return f.loads->in_flight() == 0; });
}

/// Runs a function on a thread of its own.
template <class F>
auto on_thread(F f) {
  return std::async(std::launch::async, std::move(f));
}

} // namespace

TEST_CASE("1,000 absent keys take one call of the loader", "[loads][bulk]") {
  region_fixture f;
  noting_loader loader;
  const auto keys = names(1000);
  const auto place = GENERATE(load_on::caller, load_on::pool);
  const auto answers
    = get_many(*f.uut, keys, loader.function(), {}, {.on = place});
  REQUIRE(answers);
  REQUIRE(answers->size() == keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK(text_of(answers->at(i)) == "value of " + keys[i]);
    CHECK(answers->at(i).origin == load_origin::loaded);
    CHECK(!answers->at(i).fenced);
  }
  REQUIRE(loader.calls.size() == 1);
  CHECK(loader.calls[0] == keys);
  CHECK(f.uut->size() == 1000);
  eventually([&] { return f.loads->in_flight() == 0; });
  // Now all are hits.
  const auto again = get_many(*f.uut, keys, loader.function());
  REQUIRE(again);
  CHECK(again->at(999).origin == load_origin::hit);
  CHECK(again->at(999).version != no_version);
  CHECK(loader.calls.size() == 1);
}

TEST_CASE("a bulk load without a thread brings 1,000 keys", "[loads][bulk]") {
  region_fixture f{{}, 1};
  noting_loader loader;
  const auto keys = names(1000);
  const auto look = GENERATE(true, false);
  auto answers = get_many_later(*f.uut, keys, loader.function(), look).get();
  const auto texts = texts_of(answers);
  REQUIRE(texts.size() == keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    CHECK(texts[i] == "value of " + keys[i]);
  REQUIRE(loader.calls.size() == 1);
  CHECK(loader.calls[0] == keys);
  check_drained(f);
}

TEST_CASE("a bulk load of no keys calls no loader", "[loads][bulk]") {
  region_fixture f;
  noting_loader loader;
  CHECK(texts_of(get_many(*f.uut, {}, loader.function())).empty());
  CHECK(texts_of(get_many_later(*f.uut, {}, loader.function()).get()).empty());
  CHECK(loader.calls.empty());
}

TEST_CASE("a key that occurs twice is loaded once and answered twice",
          "[loads][bulk]") {
  region_fixture f;
  noting_loader loader;
  REQUIRE(f.uut->set("hit", "there"));
  const auto answers
    = get_many(*f.uut, {"b", "hit", "a", "b", "hit", "b"}, loader.function());
  CHECK(texts_of(answers)
        == std::vector<std::string>{"value of b", "there", "value of a",
                                    "value of b", "there", "value of b"});
  REQUIRE(loader.calls.size() == 1);
  CHECK(loader.calls[0] == std::vector<std::string>{"b", "a"});
  CHECK(answers->at(1).origin == load_origin::hit);
  CHECK(answers->at(5).origin == load_origin::loaded);
}

TEST_CASE("a key that another call loads is joined", "[loads][bulk]") {
  region_fixture f;
  const auto later = GENERATE(false, true);
  test_gate door;
  auto other = get_or_set_async(*f.uut, "joined", [&](load_context&) {
    door.pass();
    return "from the other";
  });
  door.await_arrival();
  REQUIRE(f.uut->set("hit", "there"));
  noting_loader loader;
  const std::vector<std::string> keys{"a", "joined", "hit", "joined", "z"};
  auto answers
    = later
        ? get_many_later(*f.uut, keys, loader.function())
        : on_thread([&] { return get_many(*f.uut, keys, loader.function()); });
  // Its own keys are stored although the other load has not ended.
  eventually([&] { return f.get("a") != "<none>" && f.get("z") != "<none>"; });
  CHECK(f.get("joined") == "<none>");
  door.open();
  const auto got = answers.get();
  CHECK(texts_of(got)
        == std::vector<std::string>{"value of a", "from the other", "there",
                                    "from the other", "value of z"});
  CHECK(got->at(1).origin == load_origin::joined);
  CHECK(got->at(4).origin == load_origin::loaded);
  REQUIRE(loader.calls.size() == 1);
  CHECK(loader.calls[0] == std::vector<std::string>{"a", "z"});
  CHECK(other.get() == "from the other");
}

TEST_CASE("other calls join a bulk load key by key", "[loads][bulk]") {
  region_fixture f;
  test_gate door;
  auto bulk = on_thread([&] {
    return get_many(*f.uut, {"a", "b"}, [&](bulk_context& context) {
      door.pass();
      return values_of(context);
    });
  });
  door.await_arrival();
  auto one = get_or_set_async(*f.uut, "b", [](load_context&) { return "own"; });
  CHECK(f.uut->get_or_set("c", [](load_context&) { return "c"; }) == "c");
  door.open();
  CHECK(one.get() == "value of b");
  CHECK(texts_of(bulk.get())
        == std::vector<std::string>{"value of a", "value of b"});
}

TEST_CASE("a loader of several keys that throws fails all of them",
          "[loads][bulk]") {
  region_fixture f;
  const auto place = GENERATE(load_on::caller, load_on::pool);
  const auto answers
    = get_many(*f.uut, {"a", "b"},
               [](bulk_context&) -> expected<bulk_values> {
                 throw std::runtime_error{"the source is down"};
               },
               {}, {.on = place});
  REQUIRE(answers);
  for (const auto& x : *answers) {
    REQUIRE(!x.value);
    CHECK(x.value.error() == errc::load_failed);
    CHECK(x.value.error().text().find("the source is down")
          != std::string::npos);
  }
  check_drained(f);
  noting_loader loader;
  CHECK(texts_of(get_many(*f.uut, {"a", "b"}, loader.function()))
        == std::vector<std::string>{"value of a", "value of b"});
}

TEST_CASE("a loader that returns another number of values fails",
          "[loads][bulk]") {
  region_fixture f;
  const auto count = GENERATE(0, 1, 3);
  const auto answers = get_many(*f.uut, {"a", "b"}, [&](bulk_context&) {
    return bulk_values(static_cast<std::size_t>(count),
                       std::optional<bytes>{"value"});
  });
  REQUIRE(answers);
  for (const auto& x : *answers) {
    REQUIRE(!x.value);
    CHECK(x.value.error() == errc::load_failed);
    CHECK(
      x.value.error().text().find(std::to_string(count) + " values for 2 keys")
      != std::string::npos);
  }
  CHECK(f.uut->size() == 0);
}

TEST_CASE("each key has a result of its own", "[loads][bulk]") {
  region_options options;
  options.max_value_size = 10;
  region_fixture f{options};
  const auto answers = get_many(
    *f.uut, {"value", "none", "error", "large", "unstored"},
    [](bulk_context& context) {
      bulk_values result{std::optional<bytes>{"v"}, std::optional<bytes>{},
                         fail(errc::load_failed, "no such row"),
                         std::optional<bytes>{bytes(11, 'x')},
                         std::optional<bytes>{"u"}};
      context.store("unstored", false);
      return result;
    });
  REQUIRE(answers);
  CHECK(text_of(answers->at(0)) == "v");
  CHECK(text_of(answers->at(1)) == "<none>");
  CHECK(answers->at(2).value.error() == errc::load_failed);
  CHECK(answers->at(3).value.error() == errc::value_too_large);
  CHECK(text_of(answers->at(4)) == "u");
  CHECK(f.uut->size() == 1);
  CHECK(f.get("value") == "v");
}

TEST_CASE("an invalidation of one key voids the load of that key alone",
          "[loads][bulk][G3]") {
  region_fixture f;
  const auto later = GENERATE(false, true);
  const auto loader = [&](bulk_context& context) {
    CHECK(f.uut->erase("key 1"));
    CHECK(f.uut->set("key 2", "newer"));
    return values_of(context);
  };
  const auto answers = later ? get_many_later(*f.uut, names(4), loader).get()
                             : get_many(*f.uut, names(4), loader);
  REQUIRE(answers);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(text_of(answers->at(i)) == "value of key " + std::to_string(i));
    CHECK(answers->at(i).fenced == (i == 1 || i == 2));
  }
  CHECK(f.get("key 0") == "value of key 0");
  CHECK(f.get("key 1") == "<none>");
  CHECK(f.get("key 2") == "newer");
  CHECK(f.get("key 3") == "value of key 3");
}

TEST_CASE("a loader chooses for each key, or for all", "[loads][bulk]") {
  region_fixture f;
  write_options how;
  how.tags.add("every");
  const auto answers = get_many(
    *f.uut, {"a", "b", "c"},
    [](bulk_context& context) {
      CHECK(context.size() == 3);
      CHECK(context.at("b").attempt() == 1);
      CHECK_FALSE(context.stop().stop_requested());
      CHECK(context.deadline() < never);
      CHECK_FALSE(context.stale_value(0));
      context.ttl(1min);
      context.ttl(0, 2min);
      context.ttl("b", 3min);
      context.tag("all");
      context.tag(0, "first");
      context.tag("b", "second");
      CHECK_THROWS_AS(context.tag("unknown", "x"), std::out_of_range);
      CHECK_THROWS_AS(context.ttl(3, 1min), std::out_of_range);
      return values_of(context);
    },
    how);
  REQUIRE(answers);
  CHECK(f.uut->ttl("a") == ttl_duration{2min});
  CHECK(f.uut->ttl("b") == ttl_duration{3min});
  CHECK(f.uut->ttl("c") == ttl_duration{1min});
  REQUIRE(f.uut->invalidate_tag("first"));
  CHECK(f.get("a") == "<none>");
  CHECK(f.get("b") == "value of b");
  REQUIRE(f.uut->invalidate_tag("second"));
  CHECK(f.get("b") == "<none>");
  const auto tag = GENERATE(as<std::string>{}, "all", "every");
  REQUIRE(f.uut->invalidate_tag(tag));
  CHECK(f.get("c") == "<none>");
}

TEST_CASE("bad options and keys of a bulk load change nothing",
          "[loads][bulk][G10]") {
  region_fixture f;
  noting_loader loader;
  REQUIRE(f.uut->set("hit", "there"));
  write_options conditional;
  conditional.condition = write_condition::if_absent;
  CHECK(get_many(*f.uut, {"hit"}, loader.function(), conditional).error()
        == errc::invalid_argument);
  CHECK(get_many(*f.uut, {"a"}, loader.function(), {.ttl = 0ms}).error()
        == errc::invalid_argument);
  const std::string long_key(f.uut->options().max_key_size + 1, 'k');
  CHECK(get_many(*f.uut, {"a", long_key}, loader.function()).error()
        == errc::key_too_large);
  const auto look = GENERATE(true, false);
  CHECK(get_many_later(*f.uut, {"a", long_key}, loader.function(), look)
          .get()
          .error()
        == errc::key_too_large);
  f.uut->stop();
  CHECK(get_many(*f.uut, {"a"}, loader.function()).error()
        == errc::shutting_down);
  CHECK(loader.calls.empty());
}

// -- waits -------------------------------------------------------------------------

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
  // Each key once a round, whoever loaded it.
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

// -- stale values ------------------------------------------------------------------

TEST_CASE("a failed bulk load answers the stale values, key by key",
          "[loads][bulk][stale]") {
  region_options options;
  options.ttl = 1min;
  options.fail_safe = 1h;
  region_fixture f{options};
  REQUIRE(f.uut->set("old", "stale"));
  f.time.advance(2min);
  const auto later = GENERATE(false, true);
  const auto loader = [](bulk_context& context) -> expected<bulk_values> {
    CHECK(context.stale_value("old") == "stale");
    CHECK_FALSE(context.stale_value("new"));
    throw std::runtime_error{"down"};
  };
  const auto answers = later
                         ? get_many_later(*f.uut, {"old", "new"}, loader).get()
                         : get_many(*f.uut, {"old", "new"}, loader);
  REQUIRE(answers);
  CHECK(text_of(answers->at(0)) == "stale");
  CHECK(answers->at(0).origin == load_origin::stale);
  CHECK(answers->at(0).why_stale == stale_reason::load_failed);
  CHECK(answers->at(1).value.error() == errc::load_failed);
  // For a while, the source is not asked for the key with a stale value.
  noting_loader asked;
  const auto again = get_many(*f.uut, {"old", "new"}, asked.function());
  REQUIRE(again);
  CHECK(again->at(0).why_stale == stale_reason::throttled);
  REQUIRE(asked.calls.size() == 1);
  CHECK(asked.calls[0] == std::vector<std::string>{"new"});
}

TEST_CASE("a bulk loader can say that a stale value is still right",
          "[loads][bulk][stale]") {
  region_options options;
  options.ttl = 1min;
  options.fail_safe = 1h;
  region_fixture f{options};
  REQUIRE(f.uut->set("a", "stale"));
  f.time.advance(2min);
  const auto answers = get_many(*f.uut, {"a", "b"}, [](bulk_context& context) {
    context.unchanged("a");
    context.unchanged(1); // It has no stale value.
    return values_of(context);
  });
  CHECK(texts_of(answers) == std::vector<std::string>{"stale", "value of b"});
  CHECK(f.get("a") == "stale");
}

TEST_CASE("stale and aging keys of a bulk read are loaded in the background, "
          "with one call",
          "[loads][bulk][stale]") {
  region_options options;
  options.ttl = 1min;
  options.stale_while_revalidate = 1h;
  options.refresh_ahead = 0.5;
  region_fixture f{options};
  for (const auto* key : {"a", "b"})
    REQUIRE(f.uut->set(key, "old"));
  f.time.advance(2min);
  REQUIRE(f.uut->set("c", "old"));
  f.time.advance(45s);
  REQUIRE(f.uut->set("d", "old"));
  noting_loader loader;
  const auto answers
    = get_many(*f.uut, {"a", "b", "c", "d", "e", "a"}, loader.function());
  CHECK(texts_of(answers)
        == std::vector<std::string>{"old", "old", "old", "old", "value of e",
                                    "old"});
  CHECK(answers->at(0).why_stale == stale_reason::revalidating);
  CHECK(answers->at(2).origin == load_origin::hit);
  eventually([&] { return f.get("c") == "value of c"; });
  eventually([&] { return f.get("b") == "value of b"; });
  check_drained(f);
  CHECK(f.get("d") == "old");
  std::lock_guard guard{loader.mutex};
  REQUIRE(loader.calls.size() == 2);
  const std::vector<std::string> refreshed{"a", "b", "c"};
  CHECK((loader.calls[0] == refreshed || loader.calls[1] == refreshed));
}

// -- all at once -------------------------------------------------------------------

TEST_CASE("bulk loads, single loads and invalidations of the same keys agree",
          "[loads][bulk][G3]") {
  region_fixture f{{}, 4};
  constexpr int rounds = 200;
  const auto keys = names(6);
  std::array<std::atomic<int>, 6> source{};
  std::atomic<int> wrong{0};
  const auto number_of = [](const std::string& key) {
    return static_cast<std::size_t>(key.back() - '0');
  };
  const auto read = [&](const std::string& key) {
    return bytes{std::to_string(source[number_of(key)].load())};
  };
  const auto load = [&](bulk_context& context) -> expected<bulk_values> {
    bulk_values result;
    for (const auto& key : context.keys())
      result.emplace_back(std::optional<bytes>{read(key)});
    // Some runs fail, and others take over.
    if (std::hash<bytes>{}(*result.front().value()) % 7 == 0)
      throw std::runtime_error{"sometimes"};
    return result;
  };
  crew(4, [&](int t) {
    for (int i = 0; i < rounds; ++i) {
      if (t == 3) {
        // A value that is read from now on is at least as new.
        const auto n = static_cast<std::size_t>(i) % keys.size();
        ++source[n];
        if (!f.uut->erase(keys[n]))
          ++wrong;
        continue;
      }
      std::vector<std::string> own;
      for (std::size_t k = 0; k < keys.size(); ++k)
        if ((static_cast<std::size_t>(i) >> (k % 3)) % 2 == 0 || k == 0)
          own.push_back(keys[t == 1 ? keys.size() - 1 - k : k]);
      std::vector<int> least;
      for (const auto& key : own)
        least.push_back(source[number_of(key)].load() - 1);
      const auto got = t == 2 ? get_many_later(*f.uut, own, load).get()
                              : get_many(*f.uut, own, load);
      if (!got) {
        ++wrong;
        continue;
      }
      for (std::size_t k = 0; k < own.size(); ++k)
        if (const auto& x = got->at(k);
            x.value ? std::stoi(x.value->value()) < least[k]
                    : x.value.error() != errc::load_failed)
          ++wrong;
    }
  });
  CHECK(wrong == 0);
  check_drained(f);
}
