// How long the callers of a load wait, and what happens when they leave.

#include "conformance/loading.hpp"
#include "conformance/stale.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

std::future<load_answer> ask_fully(fixture& f, bytes_loader loader,
                                   load_terms terms = {}) {
  return std::async(std::launch::async,
                    [&f, loader = std::move(loader), terms] {
                      return f.uut->get_or_load("k", loader, {}, terms);
                    });
}

/// Waits until `x` is ready while the coordinator's clockwork ticks.
template <class T>
T get_ticking(fixture& f, std::future<T>& x) {
  eventually([&] {
    f.loads->tick();
    return x.wait_for(0s) == std::future_status::ready;
  });
  return x.get();
}

/// A loader that waits for the gate and brings "late".
auto held_by(test_gate& door) {
  return [&door](load_context&) -> loaded {
    door.pass();
    return bytes{"late"};
  };
}

} // namespace

PROVIDER_CASE("after the soft time-out the stale value is served",
              "[loads][timeouts]") {
  if (!kind.exact_tick)
    return;
  fixture f{kind, {.ttl = 1min, .fail_safe = 1h, .soft_timeout = 100ms}};
  test_gate door;
  REQUIRE(f.uut->get_or_load("k", bring("old")).value == "old");
  f.advance(1min);
  auto first = ask_fully(f, held_by(door));
  door.await_arrival();
  auto second = ask_fully(f, bring("unused"));
  await_waiters(f, 2);
  f.load_time.advance(99ms);
  f.loads->tick();
  CHECK(first.wait_for(0s) == std::future_status::timeout);
  f.load_time.advance(1ms);
  for (auto* x : {&first, &second}) {
    const auto answer = get_ticking(f, *x);
    CHECK(answer.value == "old");
    CHECK(answer.origin == load_origin::stale);
    CHECK(answer.why_stale == stale_reason::slow);
  }
  // The load goes on, and one that comes now joins it.
  auto third = ask_fully(f, bring("unused"));
  eventually([&] { return f.loads->list(1).second == 1; });
  door.open();
  await_no_load(f);
  CHECK(f.get("k") == "late");
  CHECK(third.get().value == "late");
}

PROVIDER_CASE("without a stale value the soft time-out changes nothing",
              "[loads][timeouts]") {
  if (!kind.exact_tick)
    return;
  fixture f{kind, {.ttl = 1min, .fail_safe = 1h, .soft_timeout = 100ms}};
  test_gate door;
  auto first = ask_fully(f, held_by(door));
  door.await_arrival();
  f.load_time.advance(1s);
  f.loads->tick();
  CHECK(first.wait_for(0s) == std::future_status::timeout);
  door.open();
  CHECK(first.get().value == "late");
}

PROVIDER_CASE("the hard time-out answers every caller, and the load goes on",
              "[loads][timeouts]") {
  fixture f{kind, {.hard_timeout = 500ms}};
  test_gate door;
  auto first = ask_fully(f, held_by(door));
  door.await_arrival();
  auto second = ask_fully(f, bring("unused"));
  std::promise<loaded> later;
  await_waiters(f, 2);
  f.uut->get_or_set_then(
    carried_key{bytes{"k"}}, bring("unused"), {},
    [&](expected<std::optional<bytes>> x) { later.set_value(std::move(x)); });
  await_waiters(f, 3);
  f.load_time.advance(500ms);
  for (auto* x : {&first, &second}) {
    const auto answer = get_ticking(f, *x);
    REQUIRE(code_of(answer.value) == errc::load_timeout);
    CHECK(answer.value.error().text().find("hard_timeout")
          != std::string::npos);
  }
  auto third = later.get_future();
  CHECK(code_of(get_ticking(f, third)) == errc::load_timeout);
  door.open();
  await_no_load(f);
  CHECK(f.get("k") == "late");
}

PROVIDER_CASE("the hard time-out prefers a stale value to an error",
              "[loads][timeouts]") {
  if (!kind.exact_tick)
    return;
  fixture f{kind, {.ttl = 1min, .fail_safe = 1h, .hard_timeout = 500ms}};
  test_gate door;
  REQUIRE(f.uut->get_or_load("k", bring("old")).value == "old");
  f.advance(1min);
  auto first = ask_fully(f, held_by(door));
  door.await_arrival();
  f.load_time.advance(500ms);
  const auto answer = get_ticking(f, first);
  CHECK(answer.value == "old");
  CHECK(answer.why_stale == stale_reason::slow);
  // A value that was invalidated meanwhile is not served.
  auto second = ask_fully(f, bring("unused"));
  await_waiters(f, 2);
  REQUIRE(f.uut->erase("k"));
  test_gate other;
  auto third = ask_fully(f, held_by(other));
  other.await_arrival();
  f.load_time.advance(500ms);
  CHECK(code_of(get_ticking(f, third).value) == errc::load_timeout);
  door.open();
  other.open();
  static_cast<void>(get_ticking(f, second));
  await_no_load(f);
  CHECK(f.get("k") == "late");
}

PROVIDER_CASE("the last caller that leaves cancels the load",
              "[loads][leaving]") {
  fixture f{kind};
  std::stop_source leaves;
  std::stop_source leaves_too;
  test_gate door;
  std::atomic<bool> told{false};
  auto first
    = ask_fully(f,
                [&](load_context& context) -> loaded {
                  door.pass();
                  eventually([&] { return context.stop().stop_requested(); });
                  told = true;
                  return bytes{"unwanted"};
                },
                {.on = load_on::pool, .stop = leaves.get_token()});
  door.await_arrival();
  auto second = ask_fully(f, bring("unused"), {.stop = leaves_too.get_token()});
  await_waiters(f, 2);
  leaves.request_stop();
  CHECK(code_of(first.get().value) == errc::load_cancelled);
  // One is left.
  CHECK(f.loads->list(1).second == 1);
  leaves_too.request_stop();
  CHECK(code_of(second.get().value) == errc::load_cancelled);
  await_no_load(f);
  // The key is free at once, though the loader still runs.
  CHECK(f.uut->get_or_set("k", bring("next")) == "next");
  door.open();
  eventually([&] { return told.load(); });
  CHECK(f.get("k") == "next");
}

PROVIDER_CASE("a caller that leaves takes nothing from the others",
              "[loads][leaving]") {
  fixture f{kind};
  std::stop_source leaves;
  test_gate door;
  auto first = ask_fully(f, held_by(door),
                         {.on = load_on::pool, .stop = leaves.get_token()});
  door.await_arrival();
  auto second = ask_fully(f, bring("unused"));
  await_waiters(f, 2);
  leaves.request_stop();
  CHECK(code_of(first.get().value) == errc::load_cancelled);
  door.open();
  CHECK(second.get().value == "late");
  CHECK(f.get("k") == "late");
}

PROVIDER_CASE("a caller that runs its own loader leaves through its stop token",
              "[loads][leaving]") {
  fixture f{kind};
  std::stop_source leaves;
  test_gate door;
  auto first
    = ask_fully(f,
                [&](load_context& context) -> loaded {
                  door.pass();
                  eventually([&] { return context.stop().stop_requested(); });
                  return bytes{"unwanted"};
                },
                {.stop = leaves.get_token()});
  door.await_arrival();
  leaves.request_stop();
  await_no_load(f);
  CHECK(f.uut->get_or_set("k", bring("next")) == "next");
  door.open();
  CHECK(code_of(first.get().value) == errc::load_cancelled);
  CHECK(f.get("k") == "next");
}

PROVIDER_CASE("a call with a stop that was requested before it is answered",
              "[loads][leaving]") {
  fixture f{kind};
  std::stop_source left;
  left.request_stop();
  const load_terms terms{.on = load_on::pool, .stop = left.get_token()};
  CHECK(code_of(f.uut->get_or_load("k", bring("unwanted"), {}, terms).value)
        == errc::load_cancelled);
  std::promise<loaded> later;
  f.uut->get_or_set_then(
    carried_key{bytes{"k"}}, bring("unwanted"), {},
    [&](expected<std::optional<bytes>> x) { later.set_value(std::move(x)); },
    terms);
  CHECK(code_of(later.get_future().get()) == errc::load_cancelled);
  // On this thread the loader is not called.
  CHECK(code_of(f.uut
                  ->get_or_load("k",
                                [](load_context&) -> loaded {
                                  throw std::logic_error{"it was called"};
                                },
                                {}, {.stop = left.get_token()})
                  .value)
        == errc::load_cancelled);
  await_no_load(f);
  CHECK(f.uut->get_or_set("k", bring("next")) == "next");
}

PROVIDER_CASE("callers that ask while a load is being deserted get another one",
              "[loads][leaving]") {
  for (int round = 0; round < 200; ++round) {
    fixture f{kind};
    std::stop_source leaves;
    test_gate door;
    auto first = ask_fully(f, held_by(door),
                           {.on = load_on::pool, .stop = leaves.get_token()});
    door.await_arrival();
    auto second = ask_fully(f, bring("next"));
    leaves.request_stop();
    door.open();
    const auto one = first.get();
    CHECK((code_of(one.value) == errc::load_cancelled || one.value == "late"));
    const auto other = second.get();
    REQUIRE(other.value);
    CHECK((other.value == "next" || other.value == "late"));
  }
}

PROVIDER_CASE("a region bounds its loads and their waiters",
              "[loads][overload]") {
  fixture f{kind, {.max_loads = 2, .max_load_waiters = 1}};
  test_gate door;
  std::vector<std::future<loaded>> all;
  for (const auto* key : {"a", "b"}) {
    all.push_back(ask_pool(f, key, held_by(door)));
    door.await_arrival();
  }
  auto refused = f.uut->get_or_set("c", bring("unused"));
  REQUIRE(code_of(refused) == errc::overloaded);
  CHECK(refused.error().text().find("max_loads") != std::string::npos);
  CHECK(code_of(get_or_set_async(*f.uut, "c", bring("unused")).get())
        == errc::overloaded);
  all.push_back(ask(f, "a", bring("unused")));
  eventually([&] {
    const auto loads = f.loads->list(10).first;
    return loads.size() == 2 && loads[0].waiters + loads[1].waiters == 3;
  });
  refused = f.uut->get_or_set("b", bring("unused"));
  REQUIRE(code_of(refused) == errc::overloaded);
  CHECK(refused.error().text().find("max_load_waiters") != std::string::npos);
  door.open();
  for (auto& x : all)
    CHECK(x.get() == "late");
  await_no_load(f);
  // All places are free again.
  for (int i = 0; i < 10; ++i)
    CHECK(f.uut->get_or_set("key " + std::to_string(i), bring("value"))
          == "value");
}

PROVIDER_CASE("options of time-outs and bounds are checked", "[loads]") {
  const auto refused = [](region_options x, std::string_view field) {
    const auto ok = check(x);
    return !ok && ok.error() == errc::invalid_argument
           && ok.error().text().find(field) != std::string::npos;
  };
  CHECK(refused({.soft_timeout = 1s}, "soft_timeout"));
  CHECK(refused({.fail_safe = 1h, .soft_timeout = -1s}, "soft_timeout"));
  CHECK(refused({.hard_timeout = -1s}, "hard_timeout"));
  CHECK(refused({.retry_backoff = 0s}, "retry_backoff"));
  CHECK(refused({.max_loads = 0}, "max_loads"));
  CHECK(refused({.max_load_waiters = 0}, "max_load_waiters"));
  CHECK(refused({.breaker = {.failures = 1, .open_for = 0s}}, "open_for"));
  CHECK(check(region_options{.fail_safe = 1h, .soft_timeout = 1s}));
}

PROVIDER_CASE("a caller waits for a lease whose holder runs no loader here",
              "[loads][foreign]") {
  fixture f{kind};
  // A client of a server takes leases in this way.
  const auto lend = [&](load_id id) { return grant(f, "k", id).born; };
  const auto await_waiter
    = [&] { eventually([&] { return f.uut->gauge().waiters == 1; }); };
  SECTION("the value is stored") {
    const auto id = f.loads->next_id();
    const auto born = lend(id);
    auto first = ask_fully(f, bring("unused"));
    await_waiter();
    f.loads->tick();
    CHECK(first.wait_for(0s) == std::future_status::timeout);
    CHECK(f.loads->list(10).first.empty());
    CHECK(commit(f, "k", id, born, {"from the client"}).stored);
    const auto answer = get_ticking(f, first);
    CHECK(answer.value == "from the client");
    CHECK(answer.origin == load_origin::hit);
  }
  SECTION("the lease is given up, or voided") {
    const auto by_erase = GENERATE(false, true);
    const auto id = f.loads->next_id();
    lend(id);
    auto first = ask_fully(f, bring("loaded"), {.on = load_on::pool});
    await_waiter();
    if (by_erase)
      REQUIRE(f.uut->erase("k"));
    else
      release(f, "k", id);
    const auto answer = get_ticking(f, first);
    CHECK(answer.value == "loaded");
    CHECK(answer.origin == load_origin::loaded);
  }
  SECTION("its caller leaves") {
    lend(f.loads->next_id());
    std::stop_source leaves;
    auto first = ask_fully(f, bring("unused"), {.stop = leaves.get_token()});
    await_waiter();
    leaves.request_stop();
    CHECK(code_of(first.get().value) == errc::load_cancelled);
    REQUIRE(f.uut->erase("k"));
    eventually([&] {
      f.loads->tick();
      return f.loads->in_flight() == 0;
    });
  }
  SECTION("the runtime drains") {
    lend(f.loads->next_id());
    auto first = ask_fully(f, bring("unused"));
    await_waiter();
    static_cast<void>(f.loads->drain(std::chrono::steady_clock::now()));
    CHECK(code_of(first.get().value) == errc::shutting_down);
  }
}
