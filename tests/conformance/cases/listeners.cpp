// What a listener is told of entries that go, of providers that have listeners.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "conformance/fixture.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

bool has_listeners(const provider_kind& kind) {
  fixture f{kind};
  return f.uut->provider().listeners() != nullptr;
}

/// A listener that keeps what it is told.
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

  /// Waits until `n` removals were heard, and takes them.
  std::vector<removal> take(std::size_t n) {
    std::unique_lock guard{mutex_};
    auto enough = changed_.wait_for(guard, longest_wait,
                                    [&] { return heard_.size() >= n; });
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

PROVIDER_CASE("a listener is told what went, and why", "[listeners]") {
  if (!has_listeners(kind))
    return;
  ear hears;
  fixture f{kind};
  REQUIRE(f.uut->on_removal(hears.listener()));
  auto told = [&](const char* expected) {
    CHECK(text_of(hears.take(1).at(0)) == expected);
  };
  write_options brief;
  brief.ttl = f.units(1);
  write_options tagged;
  tagged.tags = {"red"};
  REQUIRE(f.uut->set("a", "1"));
  REQUIRE(f.uut->set("a", "2"));
  told("a=1 replaced");
  REQUIRE(f.uut->erase("a"));
  told("a=2 erased");
  REQUIRE(f.uut->erase("a"));
  REQUIRE(f.uut->set("b", "3", brief));
  f.advance(f.units(2));
  f.uut->tick();
  told("b=3 expired");
  // Dead already, and only now in somebody's way.
  REQUIRE(f.uut->set("b", "4", brief));
  f.advance(f.units(2));
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

PROVIDER_CASE("a clear tells of every value that goes, in the background",
              "[listeners]") {
  if (!has_listeners(kind))
    return;
  constexpr std::size_t n = 20'000;
  ear hears;
  fixture f{kind};
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

PROVIDER_CASE("every eviction is told once", "[listeners]") {
  if (!has_listeners(kind))
    return;
  constexpr std::size_t n = 5'000;
  region_options options;
  options.max_entries = 1'000;
  ear hears;
  fixture f{kind, options};
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

PROVIDER_CASE("a slow listener holds nobody up, and what it misses is counted",
              "[listeners]") {
  if (!has_listeners(kind))
    return;
  ear hears;
  fixture f{kind};
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

PROVIDER_CASE("a listener may use the region, and may throw", "[listeners]") {
  if (!has_listeners(kind))
    return;
  std::mutex mutex;
  std::condition_variable changed;
  int calls = 0;
  fixture f{kind};
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
  CHECK(changed.wait_for(guard, longest_wait, [&] { return calls == 2; }));
  CHECK(f.get("copy") == "1");
}

PROVIDER_CASE(
  "no call of a listener begins or is under way after it was replaced",
  "[listeners]") {
  if (!has_listeners(kind))
    return;
  fixture f{kind};
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
  eventually([&] { return entered.load(); });
  std::atomic<bool> begun{false};
  std::thread other{[&] {
    begun = true;
    static_cast<void>(f.uut->on_removal({}));
    replaced = true;
  }};
  eventually([&] { return begun.load(); });
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

PROVIDER_CASE("a listener is destroyed when another takes its place",
              "[listeners]") {
  if (!has_listeners(kind))
    return;
  fixture f{kind};
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

PROVIDER_CASE("a listener may replace itself, erase and clear", "[listeners]") {
  if (!has_listeners(kind))
    return;
  fixture f{kind};
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
  eventually([&] { return second > 0; });
  CHECK(first == 1);
  eventually([&] { return watch.expired(); });
  REQUIRE(f.uut->on_removal({}));
}

PROVIDER_CASE("listeners are swapped while threads remove", "[listeners]") {
  if (!has_listeners(kind))
    return;
  region_options options;
  options.max_entries = 200;
  fixture f{kind, options};
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

PROVIDER_CASE("a region may end while its listener is being told",
              "[listeners]") {
  if (!has_listeners(kind))
    return;
  fixture f{kind};
  std::atomic<bool> entered{false};
  std::atomic<bool> go{false};
  std::atomic<int> calls{0};
  auto opened = open_beside(f, "other");
  REQUIRE(opened);
  auto uut = std::move(*opened);
  REQUIRE(uut->on_removal([&](const removal&) {
    ++calls;
    entered = true;
    while (!go)
      std::this_thread::yield();
  }));
  for (int i = 0; i < 10; ++i)
    REQUIRE(uut->set("a", "1"));
  eventually([&] { return entered.load(); });
  uut->stop();
  uut = nullptr; // It does not wait for the call.
  CHECK(calls == 1);
  go = true;
}
