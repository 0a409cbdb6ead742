// Entries with an idle time, in table and store.

#include <troupe/backends/memory/store/store.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <troupe/backends/memory/entries/hash.hpp>

#include "catch.hpp"
#include "progress.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using memory::store;

namespace {

constexpr auto idle = 64s;
constexpr auto spare = 1s; // A 64th of it.
constexpr auto tick = memory::timing_wheel::tick_length;

// Holds up whoever asks for the time, once, and lets something happen meanwhile.
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

  // `f` comes before who asks has the time.
  void before(std::function<void()> f) {
    before_ = std::move(f);
  }

  // `f` comes after that, and before who asks goes on.
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

template <class Clock>
struct fixture_on {
  explicit fixture_on(write_options terms = {}) : uut(options(terms)) {
    // nop
  }

  // Every test ends with a look at the table's structure.
  ~fixture_on() {
    CHECK(uut.entries().validate() == "");
  }

  memory::store_options options(const write_options& terms) {
    memory::store_options x;
    x.time = &time;
    x.ttl = terms.ttl.value_or(no_expiry);
    x.idle = terms.idle.value_or(no_expiry);
    x.jitter = terms.jitter.value_or(0.0);
    return x;
  }

  static hashed_key key(const std::string& text) {
    return {text, hash_key(text)};
  }

  std::string get(const std::string& text) {
    std::string result = "<none>";
    uut.read(key(text), [&](const entry_view& x) { result = x.value; });
    return result;
  }

  // What is there, without using it.
  entry_view peek(const std::string& text) {
    entry_view result;
    result.deadline = {};
    uut.read(
      key(text), [&](const entry_view& x) { result = x; }, lookup::peek);
    result.value = {};
    return result;
  }

  bool there(const std::string& text) {
    return peek(text).deadline != time_point{};
  }

  void set(const std::string& text, bytes_view value,
           const write_options& how = {}) {
    REQUIRE(uut.set(key(text), value, how) == true);
  }

  Clock time;
  store uut;
};

using fixture = fixture_on<manual_clock>;
using interrupted = fixture_on<interrupting_clock>;

} // namespace

TEST_CASE("an entry that nobody reads goes after its idle time",
          "[store][sliding]") {
  fixture f{{.idle = idle}};
  f.set("a", "1");
  f.time.advance(idle - 1ns);
  CHECK(f.there("a"));
  f.time.advance(1ns);
  CHECK(!f.there("a"));
  CHECK(f.get("a") == "<none>");
  CHECK(f.uut.erase(f.key("a")) == false);
}

TEST_CASE("an entry that is read again and again stays", "[store][sliding]") {
  fixture f{{.idle = idle}};
  f.set("a", "1");
  for (int i = 0; i < 100; ++i) {
    f.time.advance(idle - 1ns);
    CHECK(f.get("a") == "1");
    if (i % 10 == 0)
      f.uut.sweep();
  }
  f.time.advance(idle - 1ns);
  CHECK(f.there("a"));
  f.time.advance(spare + 1ns);
  CHECK(!f.there("a"));
}

TEST_CASE("the TTL is the latest end", "[store][sliding]") {
  fixture f{{.ttl = 100s, .idle = idle}};
  f.set("a", "1");
  const auto end = f.time.now() + 100s;
  CHECK(f.peek("a").ttl_end == end);
  CHECK(f.peek("a").idle == idle);
  CHECK(f.peek("a").deadline == f.time.now() + idle);
  f.time.advance(50s);
  CHECK(f.get("a") == "1");
  CHECK(f.peek("a").deadline == end);
  f.time.advance(50s - 1ns);
  CHECK(f.get("a") == "1");
  f.time.advance(1ns);
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("a TTL shorter than the idle time ends first", "[store][sliding]") {
  fixture f{{.ttl = 10s, .idle = idle}};
  f.set("a", "1");
  CHECK(f.peek("a").deadline == f.time.now() + 10s);
  f.time.advance(5s);
  CHECK(f.get("a") == "1");
  CHECK(f.peek("a").deadline == f.time.now() + 5s);
  f.time.advance(5s);
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("jitter shortens the TTL only", "[store][sliding]") {
  fixture f{{.ttl = 1000s, .idle = idle, .jitter = 0.5}};
  auto jittered = 0;
  for (int i = 0; i < 100; ++i) {
    auto key = std::to_string(i);
    f.set(key, "1");
    CHECK(f.peek(key).deadline == f.time.now() + idle);
    jittered += f.peek(key).ttl_end < f.time.now() + 1000s ? 1 : 0;
  }
  CHECK(jittered > 90);
}

TEST_CASE("a write says its own idle time, or none", "[store][sliding]") {
  fixture f{{.idle = idle}};
  f.set("own", "1", {.idle = 5s});
  f.set("none", "1", {.idle = no_expiry});
  f.set("kept", "1", {.ttl = no_expiry});
  CHECK(f.peek("own").idle == 5s);
  CHECK(f.peek("none").idle == no_expiry);
  CHECK(f.peek("none").deadline == never);
  CHECK(f.peek("kept").deadline == f.time.now() + idle);
  f.time.advance(5s);
  CHECK(!f.there("own"));
  f.time.advance(1000h);
  CHECK(f.there("none"));
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

TEST_CASE("a peek, a scan and a refused write are no use of an entry",
          "[store][sliding]") {
  fixture f{{.idle = idle}};
  f.set("a", "1");
  const auto deadline = f.peek("a").deadline;
  f.time.advance(30s);
  f.uut.read(
    f.key("a"), [](const entry_view&) {}, lookup::peek);
  std::uint64_t met = 0;
  for (std::uint64_t from = 0; from < memory::table::scan_end;)
    from = f.uut.scan(from, [&](bytes_view, const entry_view&) { ++met; });
  CHECK(met == 1);
  CHECK(f.uut.set(f.key("a"), "2", {.condition = write_condition::if_absent})
        == false);
  CHECK(f.uut.compare_and_set(f.key("a"), 999, "2", {})->has_value() == false);
  CHECK(f.peek("a").deadline == deadline);
}

TEST_CASE("a load that finds a value and a function that sees one use it",
          "[store][sliding]") {
  fixture f{{.idle = idle}};
  f.set("loaded", "1");
  f.set("seen", "1");
  f.set("updated", "1");
  f.time.advance(30s);
  const auto used = f.time.now() + idle + spare;
  REQUIRE(f.uut.acquire_load(f.key("loaded"), 1));
  REQUIRE(f.uut.transform(f.key("seen"),
                          [](const entry_view* x) -> expected<edit> {
                            CHECK(x != nullptr);
                            return edit::keep();
                          }));
  REQUIRE(f.uut.begin_update(f.key("updated"), 7));
  for (const auto* key : {"loaded", "seen", "updated"})
    CHECK(f.peek(key).deadline == used);
  REQUIRE(f.uut.abandon_update(f.key("updated"), 7));
}

TEST_CASE("writes that keep the TTL keep both, and it idles anew",
          "[store][sliding]") {
  fixture f;
  auto check = [&](auto write) {
    f.set("a", "1", {.ttl = 1000s, .idle = idle});
    const auto end = f.time.now() + 1000s;
    f.time.advance(30s);
    write();
    CHECK(f.peek("a").ttl_end == end);
    CHECK(f.peek("a").idle == idle);
    CHECK(f.peek("a").deadline == f.time.now() + idle);
  };
  check([&] { f.set("a", "2", {.ttl = 1s, .idle = 1s, .keep_ttl = true}); });
  check([&] { CHECK(f.uut.increment(f.key("a"), 1) == 2); });
  check([&] {
    REQUIRE(f.uut.transform(f.key("a"), [](const entry_view*) {
      return expected<edit>{edit::replace("3")};
    }));
  });
  check([&] {
    auto version = f.peek("a").version;
    write_options how;
    how.keep_ttl = true;
    REQUIRE(f.uut.compare_and_set(f.key("a"), version, "4", how)->has_value());
  });
}

TEST_CASE("writes that do not keep it say both anew", "[store][sliding]") {
  fixture f;
  f.set("a", "1", {.ttl = 1000s, .idle = idle});
  f.set("a", "2");
  CHECK(f.peek("a").deadline == never);
  CHECK(f.peek("a").idle == no_expiry);
  f.set("a", "3", {.idle = 5s});
  CHECK(f.peek("a").ttl_end == never);
  CHECK(f.peek("a").idle == 5s);
}

TEST_CASE("a touch changes the TTL, and it idles anew", "[store][sliding]") {
  fixture f;
  f.set("a", "1", {.ttl = 100s, .idle = idle});
  f.time.advance(30s);
  auto version = f.peek("a").version;
  CHECK(f.uut.touch(f.key("a"), 1000s) == true);
  CHECK(f.peek("a").version > version);
  CHECK(f.peek("a").ttl_end == f.time.now() + 1000s);
  CHECK(f.peek("a").deadline == f.time.now() + idle);
  CHECK(f.uut.touch(f.key("a"), no_expiry) == true);
  CHECK(f.peek("a").ttl_end == never);
  CHECK(f.peek("a").idle == idle);
  CHECK(f.uut.touch(f.key("a"), 10ms) == true);
  CHECK(f.peek("a").deadline == f.time.now() + 10ms);
  f.time.advance(10ms + 2 * tick);
  f.uut.sweep();
  CHECK(f.uut.entries().size() == 0);
}

TEST_CASE("a function stores with the TTL and idle time of another entry",
          "[store][sliding]") {
  fixture f{{.idle = 5s}};
  f.set("from", "1", {.ttl = 100s, .idle = idle});
  const auto source = f.peek("from");
  REQUIRE(f.uut.transform(f.key("to"), [&](const entry_view*) {
    return expected<edit>{edit::store_until("1", source.ttl_end, source.idle)};
  }));
  CHECK(f.peek("to").ttl_end == source.ttl_end);
  CHECK(f.peek("to").idle == idle);
  REQUIRE(f.uut.transform(f.key("to"), [&](const entry_view*) {
    return expected<edit>{edit::store_until("1", never)};
  }));
  CHECK(f.peek("to").idle == 5s);
}

TEST_CASE("a read takes no version", "[store][sliding]") {
  fixture f{{.idle = idle}};
  f.set("a", "1");
  const auto version = f.peek("a").version;
  f.time.advance(30s);
  CHECK(f.get("a") == "1");
  CHECK(f.peek("a").version == version);
  CHECK(f.uut.version() == version);
  CHECK(f.uut.compare_and_set(f.key("a"), version, "2", {})->has_value());
}

TEST_CASE("a sweep puts the bucket of what slid back, and frees it in the end",
          "[table][sliding]") {
  fixture f{{.idle = idle}};
  f.set("a", "1");
  f.time.advance(60s);
  CHECK(f.get("a") == "1");
  f.time.advance(10s);
  f.uut.sweep();
  CHECK(f.uut.entries().size() == 1);
  CHECK(f.uut.entries().expirations() == 0);
  CHECK(f.uut.entries().validate() == "");
  f.time.advance(55s - 1ns); // 65 s after the read: a 64th more than it must.
  f.uut.sweep();
  CHECK(f.uut.entries().size() == 1);
  f.time.advance(2 * tick);
  f.uut.sweep();
  CHECK(f.uut.entries().size() == 0);
  CHECK(f.uut.entries().expirations() == 1);
  CHECK(f.uut.entries().expiring() == 0);
}

TEST_CASE("the mean deadline follows what slides", "[table][sliding]") {
  fixture f;
  f.set("slides", "1", {.idle = 1000s});
  f.set("stays", "1", {.ttl = 1000s});
  f.set("for good", "1");
  auto mean = [&] {
    return std::chrono::round<std::chrono::seconds>(
      f.uut.entries().mean_deadline() - f.time.now());
  };
  CHECK(f.uut.entries().expiring() == 2);
  CHECK(mean() == 1000s);
  f.time.advance(640s);
  CHECK(mean() == 360s);
  CHECK(f.get("slides") == "1");
  CHECK(mean() == (360s + 1016s) / 2); // 1000 s and a 64th: 15.6 s.
  f.set("stays", "1");
  CHECK(mean() == 1016s);
  REQUIRE(f.uut.touch(f.key("slides"), 5s));
  CHECK(mean() == 5s);
  REQUIRE(f.uut.erase(f.key("slides")));
  CHECK(f.uut.entries().mean_deadline() == never);
}

TEST_CASE("an idle time costs 24 bytes, and nobody else a byte",
          "[table][sliding]") {
  memory::entry_attributes plain;
  memory::entry_attributes expires;
  expires.deadline = time_point{1h};
  memory::entry_attributes slides;
  slides.idle = 1h;
  slides.idle_until = time_point{1h};
  auto both = slides;
  both.deadline = time_point{1h};
  auto size = [](const memory::entry_attributes& x) {
    return memory::entry::block_size(16, 64, x);
  };
  CHECK(size(plain) == 16 + 16 + 64);
  CHECK(size(expires) == size(plain) + 8);
  CHECK(size(slides) == size(plain) + 24);
  CHECK(size(both) == size(plain) + 24);
}

TEST_CASE("tags and idle times live in one entry", "[store][sliding][tags]") {
  fixture f;
  std::vector<std::string> names;
  write_options how;
  how.idle = idle;
  how.ttl = 1000s;
  for (int i = 0; i < 100; ++i)
    how.tags.add("tag " + std::to_string(i));
  f.set("a", "value", how);
  f.time.advance(60s);
  CHECK(f.get("a") == "value");
  how = {};
  how.keep_ttl = true;
  f.set("a", "other", how);
  f.time.advance(60s);
  CHECK(f.get("a") == "other");
  f.uut.sweep();
  CHECK(f.uut.entries().validate() == "");
  f.time.advance(idle + spare);
  CHECK(f.get("a") == "<none>");
}

// -- what comes in between ---------------------------------------------------------

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

TEST_CASE("what threads read stays while it is written, touched and swept",
          "[store][sliding][threads]") {
  // Time passes, half an idle time at once, only when every reader has read
  // every key since; so no key that is read ever idles for long enough.
  constexpr int keys = 30;
  constexpr int steps = 100;
  fixture f{{.idle = idle}};
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
