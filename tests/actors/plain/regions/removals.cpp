// Who is told of entries that go.

#include <troupe/backends/memory/shards/removal_queue.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "region_shards.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

// A listener that keeps what it is told.
class ear {
public:
  removal_listener listener() {
    return [this](const removal& x) {
      std::unique_lock guard{mutex_};
      changed_.wait(guard, [this] { return open_; });
      heard_.push_back(x);
      changed_.notify_all();
    };
  }

  // Waits until `n` removals were heard, and takes them.
  std::vector<removal> take(std::size_t n) {
    std::unique_lock guard{mutex_};
    auto enough
      = changed_.wait_for(guard, 120s, [&] { return heard_.size() >= n; });
    CHECK(enough);
    return std::exchange(heard_, {});
  }

  void open(bool x) {
    std::lock_guard guard{mutex_};
    open_ = x;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<removal> heard_;
  bool open_ = true;
};

std::string text_of(const removal& x) {
  return x.key + "=" + x.value + " " + std::string{to_string(x.cause)};
}

} // namespace

TEST_CASE("a listener is told what went, and why", "[region][removals]") {
  ear hears;
  region_fixture f;
  REQUIRE(f.uut->on_removal(hears.listener()));
  auto told = [&](const char* expected) {
    CHECK(text_of(hears.take(1).at(0)) == expected);
  };
  write_options brief;
  brief.ttl = 1s;
  write_options tagged;
  tagged.tags = {"red"};
  REQUIRE(f.uut->set("a", "1"));
  REQUIRE(f.uut->set("a", "2"));
  told("a=1 replaced");
  REQUIRE(f.uut->erase("a"));
  told("a=2 erased");
  REQUIRE(f.uut->erase("a"));
  REQUIRE(f.uut->set("b", "3", brief));
  f.time.advance(2s);
  f.uut->tick();
  told("b=3 expired");
  // Dead already, and only now in somebody's way.
  REQUIRE(f.uut->set("b", "4", brief));
  f.time.advance(2s);
  REQUIRE(f.uut->set("b", "5"));
  told("b=4 expired");
  REQUIRE(f.uut->set("c", "6", tagged));
  REQUIRE(f.uut->invalidate_tag("red"));
  REQUIRE(f.uut->erase("c"));
  told("c=6 tag");
  REQUIRE(f.uut->clear());
  told("b=5 cleared");
  // No listener any more.
  REQUIRE(f.uut->on_removal(nullptr));
  REQUIRE(f.uut->set("a", "1"));
  REQUIRE(f.uut->set("a", "2"));
  CHECK(f.uut->stats().removals_dropped == 0);
}

TEST_CASE("a clear tells of every value that goes, in the background",
          "[region][removals]") {
  constexpr std::size_t n = 20'000;
  ear hears;
  region_fixture f;
  REQUIRE(f.uut->on_removal(hears.listener()));
  for (std::size_t i = 0; i < n; ++i)
    REQUIRE(f.uut->set(std::to_string(i), "v" + std::to_string(i)));
  REQUIRE(f.uut->clear());
  REQUIRE(f.uut->set("0", "after"));
  CHECK(f.uut->size() == 1);
  for (int i = 0; i < 1'000 && f.uut->stats().retired > 0; ++i)
    f.uut->tick();
  const auto gone = hears.take(n);
  CHECK(gone.size() == n);
  std::map<std::string, int> times;
  for (auto& x : gone) {
    CHECK(x.cause == removal_cause::cleared);
    CHECK(x.value == "v" + x.key);
    CHECK(++times[x.key] == 1);
  }
  CHECK(f.get("0") == "after");
  CHECK(f.uut->stats().removals_dropped == 0);
}

TEST_CASE("every eviction is told once", "[region][removals]") {
  constexpr std::size_t n = 5'000;
  region_options options;
  options.max_entries = 1'000;
  options.shards = 4;
  ear hears;
  region_fixture f{options};
  REQUIRE(f.uut->on_removal(hears.listener()));
  for (std::size_t i = 0; i < n; ++i)
    REQUIRE(f.uut->set(std::to_string(i), "v" + std::to_string(i)));
  auto gone = hears.take(n - f.uut->size());
  CHECK(gone.size() == n - f.uut->size());
  std::map<std::string, int> times;
  for (auto& x : gone) {
    CHECK(x.cause == removal_cause::size);
    CHECK(x.value == "v" + x.key);
    CHECK(f.get(x.key) == "<none>");
    CHECK(++times[x.key] == 1);
  }
}

TEST_CASE("a slow listener holds nobody up, and what it misses is counted",
          "[region][removals]") {
  ear hears;
  region_fixture f;
  hears.open(false);
  REQUIRE(f.uut->on_removal(hears.listener(), 10));
  for (int i = 0; i < 1'000; ++i)
    REQUIRE(f.uut->set("a", std::to_string(i)));
  // 999 removals: ten wait, and up to two batches of ten were taken before.
  auto dropped = f.uut->stats().removals_dropped;
  CHECK(dropped >= 999 - 30);
  hears.open(true);
  auto heard = hears.take(999 - dropped);
  CHECK(heard.size() == 999 - dropped);
  CHECK(heard.at(0).value == "0");
}

TEST_CASE("a listener may use the region, and may throw",
          "[region][removals]") {
  std::mutex mutex;
  std::condition_variable changed;
  int calls = 0;
  region_fixture f;
  REQUIRE(f.uut->on_removal([&](const removal& x) {
    if (x.key == "a")
      static_cast<void>(f.uut->set("copy", x.value));
    std::lock_guard guard{mutex};
    ++calls;
    changed.notify_all();
    throw 1;
  }));
  REQUIRE(f.uut->set("a", "1"));
  REQUIRE(f.uut->erase("a"));
  REQUIRE(f.uut->set("b", "1"));
  REQUIRE(f.uut->erase("b"));
  std::unique_lock guard{mutex};
  CHECK(changed.wait_for(guard, 120s, [&] { return calls == 2; }));
  CHECK(f.get("copy") == "1");
}

namespace {

// Waits until `what` is so, for what another thread does in its own time.
template <class F>
void await(F what) {
  auto until = std::chrono::steady_clock::now() + 60s;
  while (!what()) {
    REQUIRE(std::chrono::steady_clock::now() < until);
    std::this_thread::yield();
  }
}

} // namespace

TEST_CASE("no call of a listener begins or is under way after it was replaced",
          "[region][removals]") {
  region_fixture f;
  std::atomic<bool> entered{false};
  std::atomic<bool> go{false};
  std::atomic<int> calls{0};
  std::atomic<bool> replaced{false};
  REQUIRE(f.uut->on_removal([&](const removal&) {
    if (replaced)
      FAIL("called after it was replaced");
    ++calls;
    entered = true;
    while (!go)
      std::this_thread::yield();
  }));
  REQUIRE(f.uut->set("a", "0"));
  for (int i = 1; i <= 10; ++i)
    REQUIRE(f.uut->set("a", std::to_string(i)));
  await([&] { return entered.load(); });
  std::atomic<bool> begun{false};
  std::thread other{[&] {
    begun = true;
    static_cast<void>(f.uut->on_removal({}));
    replaced = true;
  }};
  await([&] { return begun.load(); });
  // Its call is under way, so the listener is not gone yet, however long it takes.
  CHECK(!replaced);
  go = true;
  other.join();
  auto before = calls.load();
  REQUIRE(f.uut->set("a", "more"));
  REQUIRE(f.uut->erase("a"));
  CHECK(calls == before);
  // Each was told, or dropped and counted.
  CHECK(f.uut->stats().removals_dropped
        == 10 - static_cast<std::uint64_t>(before));
}

TEST_CASE("a listener is destroyed when another takes its place",
          "[region][removals]") {
  region_fixture f;
  auto alive = std::make_shared<int>(0);
  std::weak_ptr<int> watch{alive};
  REQUIRE(f.uut->on_removal([alive](const removal&) {}));
  alive = nullptr;
  REQUIRE(f.uut->set("a", "1"));
  REQUIRE(f.uut->erase("a"));
  CHECK(!watch.expired());
  REQUIRE(f.uut->on_removal([](const removal&) {}));
  CHECK(watch.expired());
  alive = std::make_shared<int>(0);
  watch = alive;
  REQUIRE(f.uut->on_removal([alive](const removal&) {}));
  alive = nullptr;
  REQUIRE(f.uut->on_removal({}));
  CHECK(watch.expired());
}

TEST_CASE("a listener may replace itself, erase and clear",
          "[region][removals]") {
  region_fixture f;
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  auto alive = std::make_shared<int>(0);
  std::weak_ptr<int> watch{alive};
  REQUIRE(f.uut->on_removal([&, alive](const removal&) {
    ++first;
    static_cast<void>(f.uut->on_removal([&](const removal&) { ++second; }));
    static_cast<void>(f.uut->set("b", "1"));
    static_cast<void>(f.uut->erase("b"));
    static_cast<void>(f.uut->clear());
  }));
  alive = nullptr;
  REQUIRE(f.uut->set("a", "1"));
  REQUIRE(f.uut->erase("a"));
  await([&] { return second > 0; });
  CHECK(first == 1);
  await([&] { return watch.expired(); });
  REQUIRE(f.uut->on_removal({}));
}

TEST_CASE("listeners are swapped while threads remove", "[region][removals]") {
  region_options options;
  options.max_entries = 200;
  options.shards = 8;
  region_fixture f{options};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; !stop; ++i)
        static_cast<void>(f.uut->set(std::to_string(i * 3 + t), "value"));
    });
  std::atomic<int> wrong{0};
  for (int round = 0; round < 300; ++round) {
    auto current = std::make_shared<std::atomic<bool>>(true);
    REQUIRE(f.uut->on_removal([current, &wrong](const removal& x) {
      wrong += *current && x.value == "value" ? 0 : 1;
    }));
    auto watch = std::weak_ptr{current};
    if (round % 3 == 0)
      static_cast<void>(f.uut->set("own", "value"));
    REQUIRE(f.uut->on_removal({}));
    *current = false;
    CHECK(current.use_count() == 1);
  }
  stop = true;
  for (auto& x : threads)
    x.join();
  CHECK(wrong == 0);
}

TEST_CASE("a region may end while its listener is being told",
          "[region][removals]") {
  region_fixture f;
  std::atomic<bool> entered{false};
  std::atomic<bool> go{false};
  std::atomic<int> calls{0};
  auto uut
    = open_region("other", f.uut->options(), f.time, f.executor, f.loads);
  REQUIRE(uut->on_removal([&](const removal&) {
    ++calls;
    entered = true;
    while (!go)
      std::this_thread::yield();
  }));
  for (int i = 0; i < 10; ++i)
    REQUIRE(uut->set("a", "1"));
  await([&] { return entered.load(); });
  uut->stop();
  uut = nullptr; // It does not wait for the call.
  CHECK(calls == 1);
  go = true;
}
