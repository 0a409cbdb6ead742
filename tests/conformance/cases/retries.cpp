// Loaders that are called again, and loads that a circuit breaker refuses.

#include "conformance/loading.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

/// Options of tests in which the time runs: no load ends because a thread is late.
region_options without_timeouts(region_options x) {
  x.load_timeout = 100'000h;
  x.queue_timeout = 100'000h;
  return x;
}

/// A loader that fails `failures` times, then brings "value".
auto failing_first(std::atomic<int>& runs, int failures) {
  return [&runs, failures](load_context& context) -> loaded {
    const auto run = ++runs;
    if (context.attempt() != static_cast<std::uint32_t>(run))
      return bytes{"another attempt"};
    if (run <= failures)
      return fail(errc::load_failed, "failure " + std::to_string(run));
    return bytes{"value"};
  };
}

auto failing_always(std::atomic<int>& runs) {
  return [&runs](load_context&) -> loaded {
    ++runs;
    return fail(errc::load_failed, "the source is down");
  };
}

/// Advances the time until `x` is ready.
loaded get_in_time(fixture& f, std::future<loaded>& x) {
  eventually([&] {
    f.load_time.advance(10ms);
    f.loads->tick();
    return x.wait_for(0s) == std::future_status::ready;
  });
  return x.get();
}

} // namespace

PROVIDER_CASE("a loader that fails is called again after a pause",
              "[loads][retries]") {
  fixture f{kind, without_timeouts({.load_retries = 2, .retry_backoff = 1s})};
  std::atomic<int> runs{0};
  for (const auto place : {load_on::caller, load_on::pool}) {
    runs = 0;
    REQUIRE(f.uut->clear());
    const auto began = f.load_time.now();
    auto result = ask(f, "k", failing_first(runs, 2), {}, {.on = place});
    CHECK(get_in_time(f, result) == "value");
    CHECK(runs == 3);
    // Half of 1 s and half of 2 s, at least.
    CHECK(f.load_time.now() - began >= 1500ms);
    CHECK(f.get("k") == "value");
  }
}

PROVIDER_CASE("a loader is not called again before its pause is over",
              "[loads][retries]") {
  fixture f{kind, without_timeouts({.load_retries = 1, .retry_backoff = 1s})};
  std::atomic<int> runs{0};
  auto result = ask_pool(f, "k", failing_first(runs, 1));
  eventually([&] { return runs == 1; });
  f.load_time.advance(499ms);
  for (int i = 0; i < 10; ++i)
    f.loads->tick();
  CHECK(runs == 1);
  CHECK(get_in_time(f, result) == "value");
}

PROVIDER_CASE("retries end with the last error", "[loads][retries]") {
  fixture f{kind, without_timeouts({.load_retries = 3, .retry_backoff = 1ms})};
  std::atomic<int> runs{0};
  auto result = ask(f, "k", failing_first(runs, 100));
  auto error = get_in_time(f, result);
  REQUIRE(code_of(error) == errc::load_failed);
  CHECK(error.error().text() == "failure 4");
  CHECK(runs == 4);
}

PROVIDER_CASE("a loader that throws is called again, too", "[loads][retries]") {
  fixture f{kind, without_timeouts({.load_retries = 1, .retry_backoff = 1ms})};
  for (const auto place : {load_on::caller, load_on::pool}) {
    std::atomic<int> runs{0};
    REQUIRE(f.uut->clear());
    auto result = ask(f, "k",
                      [&runs](load_context&) -> loaded {
                        if (++runs == 1)
                          throw std::runtime_error{"down"};
                        return bytes{"value"};
                      },
                      {}, {.on = place});
    CHECK(get_in_time(f, result) == "value");
    CHECK(runs == 2);
  }
}

PROVIDER_CASE("a load can be cancelled between two calls of its loader",
              "[loads][retries]") {
  fixture f{kind, without_timeouts({.load_retries = 1, .retry_backoff = 1h})};
  for (const auto place : {load_on::caller, load_on::pool}) {
    std::atomic<int> runs{0};
    auto result = ask(f, "k", failing_always(runs), {}, {.on = place});
    eventually([&] { return runs == 1; });
    eventually([&] {
      const auto loads = f.loads->list(1).first;
      return loads.size() == 1 && loads[0].attempt == 2;
    });
    REQUIRE(f.loads->cancel(f.loads->list(1).first[0].id));
    CHECK(code_of(result.get()) == errc::load_cancelled);
    await_no_load(f);
    CHECK(runs == 1);
  }
}

PROVIDER_CASE("a waiter's own loader comes after the retries of the first",
              "[loads][retries]") {
  fixture f{kind, without_timeouts({.load_retries = 1, .retry_backoff = 1ms})};
  std::atomic<int> runs{0};
  test_gate door;
  auto first = ask_pool(f, "k", [&](load_context&) -> loaded {
    if (++runs == 1)
      door.pass();
    throw std::runtime_error{"down"};
  });
  door.await_arrival();
  auto second = ask(f, "k", bring("second"));
  await_waiters(f, 2);
  door.open();
  CHECK(get_in_time(f, second) == "second");
  CHECK(code_of(first.get()) == errc::load_failed);
  CHECK(runs == 2);
}

PROVIDER_CASE("a breaker opens after failures in a row and lets one load try",
              "[loads][breaker]") {
  fixture f{kind, {.breaker = {.failures = 3, .open_for = 10s}}};
  std::atomic<int> runs{0};
  for (int i = 0; i < 3; ++i)
    CHECK(code_of(f.uut->get_or_set("k", failing_always(runs)))
          == errc::load_failed);
  auto refused = f.uut->get_or_set("k", failing_always(runs));
  REQUIRE(code_of(refused) == errc::circuit_open);
  CHECK(refused.error().text().find(f.uut->name()) != std::string::npos);
  CHECK(code_of(get_or_set_async(*f.uut, "j", bring("unused")).get())
        == errc::circuit_open);
  CHECK(runs == 3);
  auto views = f.loads->breakers().list(f.loads->now());
  REQUIRE(views.size() == 1);
  CHECK(views[0].name == f.uut->name());
  CHECK(views[0].state == breaker_state::open);
  CHECK(views[0].refused == 2);
  f.load_time.advance(10s);
  CHECK(code_of(f.uut->get_or_set("k", failing_always(runs)))
        == errc::load_failed);
  CHECK(runs == 4);
  CHECK(code_of(f.uut->get_or_set("k", bring("value"))) == errc::circuit_open);
  f.load_time.advance(10s);
  CHECK(f.uut->get_or_set("k", bring("value")) == "value");
  CHECK(f.uut->get_or_set("j", bring("value")) == "value");
  views = f.loads->breakers().list(f.loads->now());
  CHECK(views[0].state == breaker_state::closed);
  CHECK(views[0].opened == 2);
}

PROVIDER_CASE("only one caller tries a half-open breaker", "[loads][breaker]") {
  fixture f{kind, {.breaker = {.failures = 1, .open_for = 10s}}};
  std::atomic<int> runs{0};
  REQUIRE(!f.uut->get_or_set("k", failing_always(runs)));
  f.load_time.advance(10s);
  test_gate door;
  auto trial = ask_pool(f, "trial", [&](load_context&) -> loaded {
    door.pass();
    return bytes{"back"};
  });
  door.await_arrival();
  CHECK(code_of(f.uut->get_or_set("other", bring("unused")))
        == errc::circuit_open);
  door.open();
  CHECK(trial.get() == "back");
  CHECK(f.uut->get_or_set("other", bring("value")) == "value");
}

PROVIDER_CASE("a trial that is cancelled leaves the breaker to the next one",
              "[loads][breaker]") {
  fixture f{kind, {.breaker = {.failures = 1, .open_for = 10s}}};
  std::atomic<int> runs{0};
  REQUIRE(!f.uut->get_or_set("k", failing_always(runs)));
  f.load_time.advance(10s);
  test_gate door;
  auto trial = ask_pool(f, "trial", [&](load_context&) -> loaded {
    door.pass();
    return bytes{"unwanted"};
  });
  door.await_arrival();
  REQUIRE(f.loads->cancel(f.loads->list(1).first[0].id));
  CHECK(code_of(trial.get()) == errc::load_cancelled);
  await_no_load(f);
  CHECK(f.uut->get_or_set("other", bring("value")) == "value");
  door.open();
}

PROVIDER_CASE("an open breaker serves stale values", "[loads][breaker]") {
  if (!kind.exact_tick)
    return;
  fixture f{kind,
            {.ttl = 1min,
             .fail_safe = 1h,
             .fail_safe_throttle = 1ms,
             .breaker = {.failures = 1, .open_for = 10s}}};
  std::atomic<int> runs{0};
  REQUIRE(f.uut->get_or_set("k", bring("old")) == "old");
  f.advance(1min);
  auto answer = f.uut->get_or_load("k", failing_always(runs));
  CHECK(answer.value == "old");
  CHECK(answer.why_stale == stale_reason::load_failed);
  f.advance(1s);
  f.load_time.advance(1s);
  answer = f.uut->get_or_load("k", failing_always(runs));
  CHECK(answer.value == "old");
  CHECK(answer.origin == load_origin::stale);
  CHECK(answer.why_stale == stale_reason::circuit_open);
  CHECK(runs == 1);
  f.load_time.advance(9s);
  CHECK(f.uut->get_or_load("k", bring("new")).value == "new");
}

PROVIDER_CASE("a deferred loader has no thread while it waits",
              "[loads][deferred]") {
  fixture f{kind};
  std::function<void(loaded)> finish;
  std::atomic<bool> begun{false};
  const deferred_loader loader = [&](std::shared_ptr<load_context> context,
                                     std::function<void(loaded)> done) {
    context->tag(context->key() == "k" ? "red" : "another key");
    finish = std::move(done);
    begun = true;
  };
  auto first = std::async(std::launch::async,
                          [&] { return f.uut->get_or_load("k", loader); });
  eventually([&] { return begun.load(); });
  auto second = ask(f, "k", bring("unused"));
  await_waiters(f, 2);
  finish(bytes{"value"});
  CHECK(first.get().value == "value");
  CHECK(second.get() == "value");
  CHECK(f.get("k") == "value");
  // Without effect.
  finish(bytes{"again"});
  CHECK(f.get("k") == "value");
  REQUIRE(f.uut->invalidate_tag("red"));
  CHECK(f.get("k") == "<none>");
}

PROVIDER_CASE("a deferred loader may fail, throw, finish at once or never",
              "[loads][deferred]") {
  fixture f{kind, {.load_timeout = 1s}};
  using done_function = std::function<void(loaded)>;
  using context_pointer = std::shared_ptr<load_context>;
  const auto get = [&](deferred_loader loader) {
    return f.uut->get_or_set("k", load_function{std::move(loader)});
  };
  CHECK(code_of(get([](context_pointer, done_function done) {
          done(fail(errc::load_failed, "no"));
        }))
        == errc::load_failed);
  CHECK(code_of(get([](context_pointer, done_function) {
          throw std::runtime_error{"no"};
        }))
        == errc::load_failed);
  std::shared_ptr<load_context> kept;
  std::atomic<bool> begun{false};
  auto never_ends = std::async(std::launch::async, [&] {
    return get([&](context_pointer context, done_function) {
      kept = std::move(context);
      begun = true;
    });
  });
  eventually([&] { return begun.load(); });
  eventually([&] {
    f.load_time.advance(1s);
    f.loads->tick();
    return never_ends.wait_for(0s) == std::future_status::ready;
  });
  CHECK(code_of(never_ends.get()) == errc::load_timeout);
  CHECK(kept->stop().stop_requested());
  CHECK(get([](context_pointer, done_function done) { done(bytes{"v"}); })
        == "v");
}

PROVIDER_CASE("a thousand deferred loads take one thread of the pool",
              "[loads][deferred]") {
  constexpr std::size_t loads = 1000;
  fixture f{kind};
  std::mutex mutex;
  std::vector<std::function<void(loaded)>> all;
  const deferred_loader loader = [&](const std::shared_ptr<load_context>&,
                                     std::function<void(loaded)> done) {
    std::lock_guard guard{mutex};
    all.push_back(std::move(done));
  };
  std::vector<std::future<loaded>> results;
  for (std::size_t i = 0; i < loads; ++i) {
    auto made = std::make_shared<std::promise<loaded>>();
    results.push_back(made->get_future());
    f.uut->get_or_set_then(carried_key{"key " + std::to_string(i)}, loader, {},
                           [made](expected<std::optional<bytes>> x) {
                             made->set_value(std::move(x));
                           });
  }
  eventually([&] {
    std::lock_guard guard{mutex};
    return all.size() == loads;
  });
  CHECK(f.loads->in_flight() == loads);
  for (auto& done : all)
    done(bytes{"value"});
  for (auto& x : results)
    CHECK(x.get() == "value");
  await_no_load(f);
}
