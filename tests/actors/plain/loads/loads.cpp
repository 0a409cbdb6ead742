// What a load may be told, and how long it waits.

#include <atomic>
#include <chrono>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "futures.hpp"

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("a load's time counts from when its loader starts",
          "[region][loads]") {
  // One thread, three loads of 400 ms each, 500 ms allowed: all of them in time.
  region_options options;
  options.load_timeout = 500ms;
  region_fixture f{options, 1};
  std::promise<void> go_on;
  auto gate = go_on.get_future().share();
  std::promise<void> running;
  std::atomic<int> runs{0};
  std::vector<std::future<expected<std::optional<bytes>>>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(get_or_set_async(*f.uut, std::to_string(i),
                                   [&, i](load_context&) -> expected<bytes> {
                                     if (++runs == 1) {
                                       running.set_value();
                                       gate.wait();
                                     }
                                     return std::to_string(i);
                                   }));
  running.get_future().wait();
  f.time.advance(400ms);
  f.loads->tick();
  f.time.advance(50ms);
  f.loads->tick();
  go_on.set_value();
  for (int i = 0; i < 3; ++i)
    CHECK(all.at(static_cast<std::size_t>(i)).get() == std::to_string(i));
  CHECK(runs == 3);
}

TEST_CASE(
  "a load that waits too long for a thread is told so and never started",
  "[region][loads]") {
  region_options options;
  options.load_timeout = 1h;
  options.queue_timeout = 2s;
  region_fixture f{options, 1};
  std::promise<void> go_on;
  std::promise<void> running;
  std::atomic<int> runs{0};
  auto first = get_or_set_async(*f.uut, "first", [&](load_context&) {
    ++runs;
    running.set_value();
    go_on.get_future().wait();
    return "first";
  });
  running.get_future().wait();
  auto second = get_or_set_async(*f.uut, "second", [&](load_context&) {
    ++runs;
    return "second";
  });
  f.time.advance(2s);
  f.loads->tick();
  auto refused = second.get();
  REQUIRE(!refused);
  CHECK(refused.error() == errc::overloaded);
  CHECK(refused.error().text().find("queue_timeout") != std::string::npos);
  go_on.set_value();
  CHECK(first.get() == "first");
  // The thread has passed the one that nobody waits for.
  CHECK(f.uut->get_or_set("third", [](load_context&) { return "third"; })
        == "third");
  CHECK(runs == 1);
}

TEST_CASE("a load that is cancelled before it has a thread never starts",
          "[region][loads]") {
  region_fixture f{{}, 1};
  std::promise<void> go_on;
  std::promise<void> running;
  std::atomic<bool> ran{false};
  auto first = get_or_set_async(*f.uut, "first", [&](load_context&) {
    running.set_value();
    go_on.get_future().wait();
    return "first";
  });
  running.get_future().wait();
  auto second = get_or_set_async(*f.uut, "second", [&](load_context&) {
    ran = true;
    return "second";
  });
  auto [loads, total] = f.loads->list(10);
  REQUIRE(total == 2);
  REQUIRE(loads.at(1).key == "second");
  REQUIRE(f.loads->cancel(loads.at(1).id));
  CHECK(second.get().error() == errc::load_cancelled);
  go_on.set_value();
  CHECK(first.get() == "first");
  CHECK(f.uut->get_or_set("third", [](load_context&) { return "third"; })
        == "third");
  CHECK(!ran);
}
