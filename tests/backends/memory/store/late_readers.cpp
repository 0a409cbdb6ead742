// What comes in between while a reader of an entry with a deadline asks the clock.

#include <troupe/backends/memory/store/store.hpp>

#include <atomic>
#include <functional>
#include <random>
#include <string>
#include <utility>

#include "catch.hpp"
#include "progress.hpp"
#include "sliding_store.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

// Holds up the next caller that asks for the time, and lets something happen meanwhile.
class interrupting_clock final : public clock {
public:
  [[nodiscard]] time_point now() const noexcept override {
    if (auto f = std::exchange(before_, nullptr))
      f();
    auto result = time_.now();
    if (auto f = std::exchange(after_, nullptr))
      f();
    return result;
  }

  // `f` is called before the caller has the time.
  void before(std::function<void()> f) {
    before_ = std::move(f);
  }

  // `f` is called after that, and before the caller goes on.
  void after(std::function<void()> f) {
    after_ = std::move(f);
  }

  void advance(std::chrono::nanoseconds step) {
    time_.advance(step);
  }

private:
  manual_clock time_;
  mutable std::function<void()> before_;
  mutable std::function<void()> after_;
};

using interrupted = sliding_store<interrupting_clock>;

} // namespace

TEST_CASE("an entry that is replaced while a reader asks the clock is found",
          "[store][expiry]") {
  interrupted f;
  f.set("a", "old", {.ttl = 10s});
  f.time.advance(9s);
  f.time.before([&] {
    f.set("a", "new", {.ttl = 10s});
    f.time.advance(2s);
  });
  CHECK(f.get("a") == "new");
}

TEST_CASE("an entry that is touched while a reader asks the clock is found",
          "[store][expiry]") {
  interrupted f;
  f.set("a", "1", {.ttl = 10s});
  f.time.advance(9s);
  f.time.before([&] {
    REQUIRE(f.uut.touch(f.key("a"), 10s) == true);
    f.time.advance(2s);
  });
  CHECK(f.get("a") == "1");
}

TEST_CASE("an entry that slides while a reader asks the clock is found",
          "[store][sliding]") {
  interrupted f{{.idle = idle}};
  f.set("a", "1");
  f.time.advance(60s);
  f.time.before([&] {
    CHECK(f.get("a") == "1");
    f.time.advance(10s);
  });
  CHECK(f.get("a") == "1");
  f.time.before([&] {
    f.time.advance(idle - 1ns);
    f.set("a", "2");
    f.time.advance(spare + 1ns);
  });
  CHECK(f.get("a") == "2");
}

TEST_CASE("a reader that is late does not revive what another found expired",
          "[store][sliding]") {
  interrupted f{{.idle = idle}};
  f.set("a", "1");
  f.time.advance(idle - 1ns);
  SECTION("found by a reader") {
    f.time.after([&] {
      f.time.advance(1ns);
      CHECK(f.get("a") == "<none>");
    });
  }
  SECTION("freed by a sweep") {
    f.time.after([&] {
      f.time.advance(2 * tick);
      f.uut.sweep();
      CHECK(f.uut.entries().size() == 0);
    });
  }
  SECTION("taken for absent by a write") {
    f.time.after([&] {
      f.time.advance(1ns);
      CHECK(f.uut.touch(f.key("a"), 1h) == false);
    });
  }
  CHECK(f.get("a") == "<none>");
  CHECK(!f.there("a"));
}

TEST_CASE("a reader that is late does not undo a touch", "[store][sliding]") {
  interrupted f;
  f.set("a", "1", {.ttl = 1h, .idle = idle});
  f.time.advance(30s);
  f.time.after([&] {
    f.time.advance(5s);
    REQUIRE(f.uut.touch(f.key("a"), 1s) == true);
  });
  CHECK(f.get("a") == "1");
  CHECK(f.peek("a").ttl_end == f.time.now() + 1s);
  f.time.advance(1s - 1ns);
  CHECK(f.there("a"));
  f.time.advance(1ns);
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("a reader that is late sees the value it found, or the one after",
          "[store][sliding]") {
  interrupted f{{.idle = idle}};
  f.set("a", "1");
  f.time.advance(30s);
  f.time.after([&] {
    f.set("a", "2");
    f.time.advance(1s);
  });
  // The first one takes no note of its use any more.
  CHECK(f.get("a") == "2");
  f.time.after([&] {
    REQUIRE(f.uut.clear());
    f.set("a", "3");
  });
  CHECK(f.get("a") == "2");
  CHECK(f.get("a") == "3");
}

TEST_CASE("a read counts although its entry is moved meanwhile",
          "[store][sliding][compaction]") {
  interrupted f{{.idle = idle}};
  const std::string value(1'000, 'v');
  // The one in the middle of a chunk that the others leave.
  for (int i = 0; i < 2'000; ++i)
    f.set(i == 1'000 ? "a" : "key:" + std::to_string(i), value);
  for (int i = 0; i < 2'000; ++i)
    if (i != 1'000 && i % 100 != 0) {
      auto key = "key:" + std::to_string(i);
      REQUIRE(f.uut.erase(f.key(key)) == true);
    }
  f.time.advance(idle / 2);
  const auto* where = f.peek("a").from;
  f.time.after([&] {
    for (int i = 0; i < 1'000; ++i)
      f.uut.sweep();
  });
  CHECK(f.get("a") == value);
  CHECK(f.uut.entries().relocations() > 0);
  CHECK(f.peek("a").from != where);
  CHECK(f.peek("a").deadline >= f.time.now() + idle);
}

TEST_CASE("what threads read stays while it is written, touched and swept",
          "[store][sliding][threads]") {
  // Time passes, half an idle time at once, only when every reader has read
  // every key since; so no key that is read ever idles for long enough.
  constexpr int keys = 30;
  constexpr int steps = 100;
  sliding_store<> f{{.idle = idle}};
  auto name = [](int i) { return "key:" + std::to_string(i); };
  for (int i = 0; i < keys; ++i)
    f.set(name(i), "0");
  std::atomic<int> missed{0};
  busy_crew readers{3, [&](unsigned) {
                      return [&] {
                        for (int i = 0; i < keys; ++i)
                          missed += f.get(name(i)) == "<none>" ? 1 : 0;
                      };
                    }};
  std::minstd_rand random{42};
  auto change = [&] {
    auto key = name(static_cast<int>(random() % keys));
    switch (random() % 5) {
      case 0:
        return f.set(key, "0");
      case 1:
        REQUIRE(f.uut.increment(f.key(key), 1));
        return;
      case 2:
        REQUIRE(f.uut.touch(f.key(key), random() % 2 == 0 ? no_expiry : 1000h)
                == true);
        return;
      case 3:
        return f.set("idle:" + std::to_string(random() % 1'000), "x");
      default:
        return f.uut.sweep();
    }
  };
  for (int step = 0; step < steps; ++step) {
    auto meanwhile = readers.rounds_to_come(1);
    eventually([&] {
      change();
      return meanwhile();
    });
    f.time.advance(idle / 2);
  }
  readers.stop();
  CHECK(missed == 0);
  CHECK(f.uut.entries().validate() == "");
  f.time.advance(idle + spare + 2 * tick);
  for (int i = 0; i < 10'000 && f.uut.entries().size() > 0; ++i)
    f.uut.sweep();
  CHECK(f.uut.entries().size() == 0);
  CHECK(f.uut.entries().expiring() == 0);
}
