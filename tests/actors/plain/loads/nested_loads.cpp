// Loads whose loaders load, and loads that find every loader thread busy.

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "futures.hpp"
#include "test_gate.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

using bytes_result = expected<std::optional<bytes>>;

/// Loads "n", which needs "n - 1", and so on to "0".
bytes_result load_chain(region& in, int n) {
  return in.get_or_set(std::to_string(n),
                       [&in, n](load_context&) -> bytes_result {
                         if (n == 0)
                           return bytes{"end"};
                         return load_chain(in, n - 1);
                       });
}

} // namespace

TEST_CASE("an update function that asks for its own key is told so at once",
          "[loads][nested]") {
  region_fixture f;
  const auto again = [&](std::optional<bytes_view>) {
    return f.uut->update("k", [](std::optional<bytes_view>) {
      return std::optional<bytes>{"inner"};
    });
  };
  auto refused = f.uut->update("k", again);
  REQUIRE(!refused);
  CHECK(refused.error() == errc::load_cycle);
  CHECK(refused.error().text() == "the update of test/k waits for itself");
  const auto load = [&](std::optional<bytes_view>) {
    return f.uut->get_or_set("k", [](load_context&) { return "loaded"; });
  };
  refused = f.uut->update("k", load);
  REQUIRE(!refused);
  CHECK(refused.error() == errc::load_cycle);
  // Through the load of another key, which runs on this thread.
  refused = f.uut->update("k", [&](std::optional<bytes_view>) {
    return f.uut->get_or_set(
      "other", [&](load_context&) { return f.uut->update("k", again); });
  });
  REQUIRE(!refused);
  CHECK(refused.error() == errc::load_cycle);
  // Other keys are free, and so is this one afterwards.
  CHECK(f.uut->update("k", [&](std::optional<bytes_view>) {
    return f.uut->get_or_set("third", [](load_context&) { return "loaded"; });
  }) == "loaded");
  CHECK(f.get("k") == "loaded");
}

TEST_CASE("a loader that asks for its own key gets load_cycle",
          "[region][loads]") {
  region_fixture f;
  bytes_result inner;
  const auto outer
    = f.uut->get_or_set("own", [&](load_context&) -> bytes_result {
        inner = f.uut->get_or_set("own", [](load_context&) { return "x"; });
        return bytes{"value"};
      });
  CHECK(outer == "value");
  REQUIRE(!inner);
  CHECK(inner.error() == errc::load_cycle);
  CHECK(inner.error().text().find("test/own") != std::string::npos);
}

TEST_CASE("a loader of the pool that asks for its own key gets load_cycle",
          "[region][loads]") {
  region_fixture f{{}, 1};
  std::promise<errc> seen;
  auto outer = get_or_set_async(*f.uut, "own", [&](load_context&) {
    const auto inner
      = f.uut->get_or_set("own", [](load_context&) { return "x"; });
    seen.set_value(inner ? errc::none : inner.error().code());
    return "value";
  });
  CHECK(outer.get() == "value");
  CHECK(seen.get_future().get() == errc::load_cycle);
}

TEST_CASE("a circle of loads on several threads ends with its keys",
          "[region][loads]") {
  region_fixture f;
  std::atomic<int> begun{0};
  constexpr int size = 3;
  const auto load = [&](int i) {
    return f.uut->get_or_set(
      "key " + std::to_string(i), [&, i](load_context&) -> bytes_result {
        ++begun;
        if (!comes_true([&] { return begun >= size; }))
          return fail(errc::load_failed, "the others did not begin");
        return f.uut->get_or_set("key " + std::to_string((i + 1) % size),
                                 [](load_context&) { return "inner"; });
      });
  };
  std::vector<std::future<bytes_result>> all;
  for (int i = 0; i < size; ++i)
    all.push_back(std::async(std::launch::async, load, i));
  // One closes the circle; the error then passes back through the others.
  for (auto& x : all) {
    const auto result = x.get();
    REQUIRE(!result);
    CHECK(result.error() == errc::load_cycle);
    for (int i = 0; i < size; ++i)
      CHECK(result.error().text().find("test/key " + std::to_string(i))
            != std::string::npos);
  }
  // Nothing remains of the circle.
  begun = 0;
  CHECK(f.uut->get_or_set("key 0", [](load_context&) { return "fine"; })
        == "fine");
}

TEST_CASE("a chain of 1,000 loads finishes", "[region][loads]") {
  region_options options;
  options.load_on = GENERATE(load_on::caller, load_on::pool);
  region_fixture f{options, defaults::loader_threads};
  CHECK(load_chain(*f.uut, 1000) == "end");
  CHECK(f.get("0") == "end");
  CHECK(f.get("999") == "end");
  CHECK(f.uut->size() == 1001);
}

TEST_CASE("a chain of loads that needs more stack than a thread has finishes",
          "[region][loads]") {
  region_fixture f;
  // 64 KiB a loader: more than the 8 MiB of a thread.
  constexpr int depth = 400;
  const std::function<bytes_result(int)> load = [&](int n) -> bytes_result {
    return f.uut->get_or_set(std::to_string(n),
                             [&, n](load_context&) -> bytes_result {
                               volatile char space[64 * 1024];
                               space[0] = 'x';
                               space[sizeof(space) - 1] = space[0];
                               if (n == 0)
                                 return bytes{"end"};
                               return load(n - 1);
                             });
  };
  CHECK(load(depth) == "end");
  CHECK(f.uut->size() == depth + 1);
}

TEST_CASE("1,000 loads that each need one more key finish", "[region][loads]") {
  region_fixture f{{}, defaults::loader_threads};
  constexpr int count = 1000;
  const auto shared = GENERATE(true, false);
  std::atomic<int> inner_runs{0};
  std::vector<std::future<bytes_result>> all;
  for (int i = 0; i < count; ++i)
    all.push_back(get_or_set_async(
      *f.uut, "outer " + std::to_string(i),
      [&, i](load_context&) -> bytes_result {
        return f.uut->get_or_set(
          shared ? "inner" : "inner " + std::to_string(i), [&](load_context&) {
            ++inner_runs;
            return "value";
          });
      }));
  for (auto& x : all)
    CHECK(x.get() == "value");
  CHECK(inner_runs == (shared ? 1 : count));
}

TEST_CASE("a loader that needs a load which waits for a thread runs it",
          "[region][loads]") {
  region_fixture f{{}, 1};
  test_gate door;
  auto outer
    = get_or_set_async(*f.uut, "outer", [&](load_context&) -> bytes_result {
        door.pass();
        return f.uut->get_or_set("inner", [](load_context&) { return "own"; });
      });
  door.await_arrival();
  // The only thread is busy: this load waits for it.
  auto inner
    = get_or_set_async(*f.uut, "inner", [](load_context&) { return "queued"; });
  door.open();
  CHECK(outer.get() == "queued");
  CHECK(inner.get() == "queued");
}

TEST_CASE("a removal listener that loads does not wait for itself",
          "[region][loads]") {
  // The listener has the only thread of the pool.
  region_fixture f{{}, 1};
  std::promise<expected<std::optional<bytes>>> loaded;
  REQUIRE(f.uut->on_removal([&](const removal& x) {
    if (x.key == "removed")
      loaded.set_value(f.uut->get_or_set("other",
                                         [](load_context&) { return "value"; },
                                         {}, {.on = load_on::pool}));
  }));
  REQUIRE(f.uut->set("removed", "x"));
  REQUIRE(f.uut->erase("removed"));
  CHECK(loaded.get_future().get() == "value");
  REQUIRE(f.uut->on_removal(nullptr));
}

TEST_CASE("a slow loader delays no other key when every loader thread is stuck",
          "[region][loads]") {
  region_fixture f{{}, 2};
  test_gate door;
  std::vector<std::future<bytes_result>> stuck;
  for (int i = 0; i < 8; ++i)
    stuck.push_back(get_or_set_async(*f.uut, "stuck " + std::to_string(i),
                                     [&](load_context&) {
                                       door.pass();
                                       return "late";
                                     }));
  door.await_arrival();
  door.await_arrival();
  for (int i = 0; i < 100; ++i)
    CHECK(f.uut->get_or_set("key " + std::to_string(i), [](load_context&) {
      return "at once";
    }) == "at once");
  door.open();
  for (auto& x : stuck)
    CHECK(x.get() == "late");
}

TEST_CASE("a load of the calling thread changes no thread", "[region][loads]") {
  region_fixture f;
  const auto here = std::this_thread::get_id();
  std::thread::id loader_thread;
  const auto where = [&](load_context&) {
    loader_thread = std::this_thread::get_id();
    return "value";
  };
  CHECK(f.uut->get_or_set("a", where) == "value");
  CHECK(loader_thread == here);
  CHECK(f.uut->get_or_set("b", where, {}, {.on = load_on::pool}) == "value");
  CHECK(loader_thread != here);
  eventually([&] { return f.loads->in_flight() == 0; });
}

TEST_CASE(
  "a caller whose thread is cancelled learns it when its loader returns",
  "[region][loads]") {
  region_fixture f;
  test_gate door;
  auto first = std::async(std::launch::async, [&] {
    return f.uut->get_or_set("a", [&](load_context&) {
      door.pass();
      return "value";
    });
  });
  door.await_arrival();
  const auto [loads, total] = f.loads->list(10);
  REQUIRE(total == 1);
  CHECK(loads.at(0).waiters == 1);
  REQUIRE(f.loads->cancel(loads.at(0).id));
  CHECK(f.loads->in_flight() == 0);
  door.open();
  CHECK(first.get().error() == errc::load_cancelled);
  CHECK(f.get("a") == "<none>");
}
