// What a region serves when its loader fails, is slow or finds nothing.

#include "conformance/loading.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// A region whose entries live for a minute.
struct minute_fixture : fixture {
  minute_fixture(const provider_kind& with, region_options options)
    : fixture(with, with_ttl(std::move(options))) {
    // nop
  }

  static region_options with_ttl(region_options x) {
    x.ttl = 1min;
    return x;
  }

  load_answer load(bytes_loader loader) {
    return uut->get_or_load("k", loader);
  }
};

/// A loader that fails, and counts its runs.
auto failing(std::atomic<int>& runs) {
  return [&runs](load_context&) -> loaded {
    ++runs;
    return fail(errc::load_failed, "the source is down");
  };
}

} // namespace

PROVIDER_CASE("a failed load answers with the stale value, and pauses",
              "[loads][stale]") {
  if (!kind.exact_tick)
    return;
  minute_fixture f{kind, {.fail_safe = 1h, .fail_safe_throttle = 30s}};
  std::atomic<int> runs{0};
  REQUIRE(f.load(bring("old")).value == "old");
  f.advance(1min);
  auto answer = f.load(failing(runs));
  CHECK(answer.value == "old");
  CHECK(answer.origin == load_origin::stale);
  CHECK(answer.why_stale == stale_reason::load_failed);
  CHECK(runs == 1);
  // Ordinary readers do not see it.
  CHECK(f.get("k") == "<none>");
  // No further load for a while.
  f.advance(29s);
  answer = f.load(failing(runs));
  CHECK(answer.value == "old");
  CHECK(answer.why_stale == stale_reason::throttled);
  CHECK(runs == 1);
  f.advance(1s);
  CHECK(f.load(failing(runs)).why_stale == stale_reason::load_failed);
  CHECK(runs == 2);
  // The source is back.
  f.advance(30s);
  answer = f.load(bring("new"));
  CHECK(answer.value == "new");
  CHECK(answer.origin == load_origin::loaded);
  CHECK(f.get("k") == "new");
}

PROVIDER_CASE("a loader that throws is a failed load, too", "[loads][stale]") {
  if (!kind.exact_tick)
    return;
  minute_fixture f{kind, {.fail_safe = 1h}};
  REQUIRE(f.load(bring("old")).value == "old");
  f.advance(1min);
  const auto answer
    = f.load([](load_context&) -> bytes { throw std::runtime_error{"down"}; });
  CHECK(answer.value == "old");
  CHECK(answer.why_stale == stale_reason::load_failed);
}

PROVIDER_CASE("a stale value is not served beyond its maximum age",
              "[loads][stale]") {
  if (!kind.exact_tick)
    return;
  minute_fixture f{kind, {.fail_safe = 1h}};
  std::atomic<int> runs{0};
  REQUIRE(f.load(bring("old")).value == "old");
  f.advance(1min + 1h);
  CHECK(code_of(f.load(failing(runs)).value) == errc::load_failed);
  // An invalidation removes it at once.
  REQUIRE(f.load(bring("newer")).value == "newer");
  f.advance(2min);
  REQUIRE(f.uut->erase("k"));
  CHECK(code_of(f.load(failing(runs)).value) == errc::load_failed);
}

PROVIDER_CASE("every waiter of a failed load gets the stale value",
              "[loads][stale]") {
  if (!kind.exact_tick)
    return;
  minute_fixture f{kind, {.fail_safe = 1h}};
  REQUIRE(f.load(bring("old")).value == "old");
  f.advance(1min);
  test_gate door;
  auto first = ask(f, "k", [&](load_context&) -> loaded {
    door.pass();
    return fail(errc::load_failed, "down");
  });
  door.await_arrival();
  auto second = ask(f, "k", bring("unused"));
  await_waiters(f, 2);
  door.open();
  CHECK(first.get() == "old");
  CHECK(second.get() == "old");
}

PROVIDER_CASE("a stale value is served while a load in the background replaces "
              "it",
              "[loads][stale]") {
  if (!kind.exact_tick)
    return;
  minute_fixture f{kind, {.stale_while_revalidate = 1min}};
  REQUIRE(f.load(bring("old")).value == "old");
  f.advance(1min);
  test_gate door;
  std::atomic<int> runs{0};
  const auto slow = [&](load_context&) -> loaded {
    ++runs;
    door.pass();
    return bytes{"new"};
  };
  for (int i = 0; i < 10; ++i) {
    const auto answer = f.load(slow);
    CHECK(answer.value == "old");
    CHECK(answer.origin == load_origin::stale);
    CHECK(answer.why_stale == stale_reason::revalidating);
  }
  door.await_arrival();
  CHECK(runs == 1);
  door.open();
  await_no_load(f);
  CHECK(f.get("k") == "new");
  // Too old: the caller waits for the load.
  f.advance(2min);
  CHECK(f.load(bring("newest")).origin == load_origin::loaded);
}

PROVIDER_CASE("an invalidation beats a load in the background",
              "[loads][stale][G3]") {
  if (!kind.exact_tick)
    return;
  minute_fixture f{kind, {.stale_while_revalidate = 1min}};
  REQUIRE(f.load(bring("old")).value == "old");
  f.advance(1min);
  test_gate door;
  REQUIRE(f.load([&](load_context&) -> loaded {
             door.pass();
             return bytes{"late"};
           })
            .value
          == "old");
  door.await_arrival();
  REQUIRE(f.uut->erase("k"));
  door.open();
  await_no_load(f);
  CHECK(f.get("k") == "<none>");
  CHECK(f.load(bring("next")).value == "next");
}

PROVIDER_CASE("a hit near the end of the TTL starts one refresh",
              "[loads][stale]") {
  if (!kind.exact_tick)
    return;
  minute_fixture f{kind, {.refresh_ahead = 0.5}};
  std::atomic<int> runs{0};
  const auto count = [&](load_context&) -> loaded {
    return bytes{"value " + std::to_string(++runs)};
  };
  REQUIRE(f.load(count).value == "value 1");
  f.advance(29s);
  CHECK(f.load(count).value == "value 1");
  await_no_load(f);
  CHECK(runs == 1);
  // Between 30 and 45 seconds, with jitter.
  f.advance(16s);
  const auto answer = f.load(count);
  CHECK(answer.value == "value 1");
  CHECK(answer.origin == load_origin::hit);
  await_no_load(f);
  CHECK(runs == 2);
  CHECK(f.get("k") == "value 2");
  // Its TTL is new.
  f.advance(29s);
  CHECK(f.load(count).value == "value 2");
  await_no_load(f);
  CHECK(runs == 2);
}

PROVIDER_CASE("a refresh that fails keeps the value and pauses",
              "[loads][stale]") {
  if (!kind.exact_tick)
    return;
  minute_fixture f{
    kind, {.fail_safe = 1h, .fail_safe_throttle = 10s, .refresh_ahead = 0.5}};
  std::atomic<int> runs{0};
  REQUIRE(f.load(bring("value")).value == "value");
  f.advance(45s);
  CHECK(f.load(failing(runs)).value == "value");
  await_no_load(f);
  CHECK(runs == 1);
  CHECK(f.load(failing(runs)).origin == load_origin::hit);
  await_no_load(f);
  CHECK(runs == 1);
}

PROVIDER_CASE("a load remembers that there is no value", "[loads][stale]") {
  if (!kind.exact_tick)
    return;
  minute_fixture f{kind, {.absence_ttl = 10s}};
  std::atomic<int> runs{0};
  const auto none = [&](load_context&) -> loaded {
    ++runs;
    return std::nullopt;
  };
  for (int i = 0; i < 3; ++i) {
    const auto answer = f.load(none);
    REQUIRE(answer.value);
    CHECK(!*answer.value);
  }
  CHECK(runs == 1);
  CHECK(f.uut->contains("k") == false);
  // A value that is stored ends it.
  REQUIRE(f.uut->set("k", "now"));
  CHECK(f.load(none).value == "now");
  REQUIRE(f.uut->erase("k"));
  REQUIRE(f.load(none).value);
  CHECK(runs == 2);
  f.advance(10s);
  CHECK(f.load(bring("later")).value == "later");
}

PROVIDER_CASE("a loader may say that the stale value is still right",
              "[loads][stale]") {
  if (!kind.exact_tick)
    return;
  minute_fixture f{kind, {.fail_safe = 1h}};
  REQUIRE(f.load([](load_context& context) -> loaded {
             CHECK(!context.stale_value());
             context.unchanged(); // Without effect.
             return bytes{"value"};
           })
            .value
          == "value");
  f.advance(1min);
  const auto answer = f.load([](load_context& context) -> loaded {
    CHECK(context.stale_value() == bytes_view{"value"});
    context.unchanged();
    return std::nullopt;
  });
  CHECK(answer.value == "value");
  CHECK(answer.origin == load_origin::loaded);
  CHECK(f.get("k") == "value");
  f.advance(59s);
  CHECK(f.get("k") == "value");
}

PROVIDER_CASE("a loader may ask that its result is not stored", "[loads]") {
  fixture f{kind};
  const auto once = [](load_context& context) -> loaded {
    context.store(false);
    return bytes{"once"};
  };
  CHECK(f.uut->get_or_set("k", once) == "once");
  CHECK(f.get("k") == "<none>");
  CHECK(get_or_set_async(*f.uut, "k", once).get() == "once");
  CHECK(f.get("k") == "<none>");
  CHECK(f.uut->get_or_set("k", bring("kept")) == "kept");
  CHECK(f.get("k") == "kept");
}

PROVIDER_CASE("an answer says how it came about", "[loads]") {
  fixture f{kind};
  CHECK(f.uut->get_or_load("k", bring("value")).origin == load_origin::loaded);
  CHECK(f.uut->get_or_load("k", bring("other")).origin == load_origin::hit);
  REQUIRE(f.uut->erase("k"));
  test_gate door;
  auto first = ask(f, "k", [&](load_context&) {
    door.pass();
    return "first";
  });
  door.await_arrival();
  auto second = std::async(std::launch::async, [&] {
    return f.uut->get_or_load("k", bring("second"));
  });
  await_waiters(f, 2);
  REQUIRE(f.uut->set("k", "written"));
  door.open();
  const auto answer = second.get();
  CHECK(answer.value == "first");
  CHECK(answer.origin == load_origin::joined);
  CHECK(answer.fenced);
  CHECK(first.get() == "first");
  CHECK(f.get("k") == "written");
}
