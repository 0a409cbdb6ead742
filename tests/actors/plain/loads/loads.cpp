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

TEST_CASE("a loader may find that there is no value", "[region][loads]") {
  region_fixture f;
  auto none = [](load_context&) -> expected<std::optional<bytes>> {
    return std::nullopt;
  };
  auto found = f.uut->get_or_set("k", none);
  REQUIRE(found);
  CHECK(!*found);
  CHECK(f.uut->size() == 0);
  CHECK(f.uut->get_or_set("k", [](load_context&) { return "now"; }) == "now");
}

TEST_CASE("options that a load refuses are refused when the key is there, too",
          "[region][loads]") {
  region_fixture f;
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
  CHECK(code({.jitter = 1.5}) == errc::invalid_argument);
  CHECK(code({.condition = write_condition::if_absent})
        == errc::invalid_argument);
  CHECK(f.get("k") == (there ? "x" : "<none>"));
}

TEST_CASE("a condition where none counts is refused", "[region]") {
  region_fixture f;
  REQUIRE(f.uut->set("k", "x"));
  for (auto condition :
       {write_condition::if_absent, write_condition::if_present}) {
    write_options how;
    how.condition = condition;
    auto same
      = [](std::optional<bytes_view>) -> expected<std::optional<bytes>> {
      return bytes{"changed"};
    };
    CHECK(f.uut->update("k", same, how).error() == errc::invalid_argument);
    CHECK(update_async(*f.uut, "k", same, how).get().error()
          == errc::invalid_argument);
    CHECK(f.uut->compare_and_set("k", 1, "changed", how).error()
          == errc::invalid_argument);
    CHECK(f.uut
            ->transform("k",
                        [&](const entry_view*) -> expected<edit> {
                          return edit::store("changed", how);
                        })
            .error()
          == errc::invalid_argument);
  }
  write_options present;
  present.condition = write_condition::if_present;
  CHECK(f.uut->set_if_absent("other", "x", present).error()
        == errc::invalid_argument);
  CHECK(set_if_absent_async(*f.uut, "other", "x", present).get().error()
        == errc::invalid_argument);
  CHECK(f.get("k") == "x");
  CHECK(f.get("other") == "<none>");
}

TEST_CASE("an update keeps what the entry has unless it says otherwise",
          "[region][update]") {
  region_options options;
  options.ttl = 1h;
  region_fixture f{options};
  write_options first;
  first.ttl = 10s;
  first.tags = {"red"};
  REQUIRE(f.uut->set("k", "1", first));
  auto more
    = [](std::optional<bytes_view> old) -> expected<std::optional<bytes>> {
    return bytes{old.value_or("none")} + "+";
  };
  const auto raced = GENERATE(false, true);
  auto update = [&](const write_options& how) {
    int runs = 0;
    auto made = f.uut->update(
      "k",
      [&](std::optional<bytes_view> old) {
        // Each of the first four runs loses, so that the fifth holds the lease.
        if (raced && ++runs < 5)
          REQUIRE(f.uut->transform("k", [](const entry_view* x) {
            return expected<edit>{x == nullptr ? edit::keep()
                                               : edit::replace(x->value)};
          }));
        return more(old);
      },
      how);
    REQUIRE(made);
  };
  f.time.advance(4s);
  SECTION("nothing is said") {
    update({});
    CHECK(f.get("k") == "1+");
    CHECK(f.uut->ttl("k") == 6s);
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "<none>");
  }
  SECTION("another TTL") {
    update({.ttl = 20s});
    CHECK(f.uut->ttl("k") == 20s);
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "<none>");
  }
  SECTION("other tags") {
    write_options blue;
    blue.tags = {"blue"};
    update(blue);
    CHECK(f.uut->ttl("k") == 6s);
    REQUIRE(f.uut->invalidate_tag("red"));
    CHECK(f.get("k") == "1+");
    REQUIRE(f.uut->invalidate_tag("blue"));
    CHECK(f.get("k") == "<none>");
  }
  SECTION("an idle time") {
    update({.idle = 2s});
    CHECK(f.uut->ttl("k") == 2s);
    f.time.advance(1s);
    CHECK(f.get("k") == "1+");
    f.time.advance(1s);
    CHECK(f.get("k") == "1+");
    f.time.advance(4s);
    CHECK(f.get("k") == "<none>");
  }
  SECTION("there is none") {
    f.time.advance(6s);
    update({});
    CHECK(f.get("k") == "none+");
    CHECK(f.uut->ttl("k") == 1h);
  }
}
