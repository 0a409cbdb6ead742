// Stale entries in table and store: their memory, their accounts, and the wheel.

#include <troupe/backends/memory/store/store.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/limits/removal_sink.hpp>
#include <troupe/backends/memory/limits/timing_wheel.hpp>

#include "catch.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr auto tick = memory::timing_wheel::tick_length;

struct hearing_sink final : memory::removal_sink {
  hearing_sink() {
    set_listening(true);
  }

  void removed(bytes_view key, bytes_view,
               removal_cause cause) noexcept override {
    heard.emplace_back(std::string{key} + " " + std::string{to_string(cause)});
  }

  std::vector<std::string> heard;
};

/// A store whose entries live for 10 s and are usable for 100 s after that.
struct stale_store {
  explicit stale_store(std::size_t max_bytes = 0) : uut(options(max_bytes)) {
    // nop
  }

  ~stale_store() {
    validate();
  }

  memory::store_options options(std::size_t max_bytes) {
    memory::store_options x;
    x.time = &time;
    x.shared.forgotten = forgotten;
    x.shared.bytes
      = std::make_shared<memory::budget>(memory::budget::limit_of(max_bytes));
    x.shared.removals = &sink;
    x.ttl = 10s;
    x.stale_for = 100s;
    return x;
  }

  void validate() {
    CHECK(uut.entries().validate() == "");
  }

  static hashed_key key(const std::string& text) {
    return {text, hash_key(text)};
  }

  void set(const std::string& text, bytes_view value,
           const write_options& how = {}) {
    REQUIRE(uut.set(key(text), value, how) == true);
  }

  [[nodiscard]] std::string usable(const std::string& text) const {
    std::string result = "<none>";
    uut.read_usable(
      key(text),
      [&](const entry_view& x, const staleness& moments) {
        result = moments.absence ? "<absent>" : std::string{x.value};
      },
      lookup::peek);
    return result;
  }

  void sweep() {
    for (int i = 0; i < 100; ++i)
      uut.sweep();
    validate();
  }

  manual_clock time;
  hearing_sink sink;
  std::shared_ptr<memory::invalidations> forgotten
    = std::make_shared<memory::invalidations>();
  memory::store uut;
};

} // namespace

TEST_CASE("a stale entry's memory is freed after its second moment",
          "[store][stale]") {
  stale_store f;
  const auto empty = f.uut.entries().charged();
  const std::string large(2 << 20, 'x');
  write_options red;
  red.tags = {"red"};
  for (int i = 0; i < 1'000; ++i)
    f.set("small " + std::to_string(i), "value",
          i % 2 == 0 ? red : write_options{});
  f.set("large", large);
  f.set("both", large, red);
  const auto charged = f.uut.entries().charged();
  f.validate();
  f.time.advance(10s + tick * 2);
  f.sweep();
  CHECK(f.uut.entries().size() == 1'002);
  CHECK(f.uut.entries().charged() == charged);
  CHECK(f.uut.entries().expirations() == 0);
  CHECK(f.sink.heard.empty());
  CHECK(f.usable("both") == large);
  f.time.advance(100s - tick * 4);
  f.sweep();
  CHECK(f.uut.entries().size() == 1'002);
  f.time.advance(tick * 4);
  f.sweep();
  CHECK(f.uut.entries().size() == 0);
  CHECK(f.uut.entries().expirations() == 1'002);
  CHECK(f.sink.heard.size() == 1'002);
  CHECK(f.sink.heard.front().ends_with(" expired"));
  CHECK(f.uut.entries().charged() < empty + 4096);
}

TEST_CASE("a bucket is due for the first of its entries", "[store][stale]") {
  stale_store f;
  write_options brief;
  brief.stale_for = 0ms;
  for (int i = 0; i < 100; ++i)
    f.set(std::to_string(i), "value", i % 2 == 0 ? brief : write_options{});
  f.time.advance(10s + tick * 2);
  f.sweep();
  CHECK(f.uut.entries().size() == 50);
  // A touch brings an entry forward, or back.
  f.set("touched", "value");
  REQUIRE(f.uut.touch(f.key("touched"), 1h));
  f.validate();
  f.time.advance(110s);
  f.sweep();
  CHECK(f.uut.entries().size() == 1);
  REQUIRE(f.uut.touch(f.key("touched"), 1s));
  f.validate();
  f.time.advance(101s + tick * 2);
  f.sweep();
  CHECK(f.uut.entries().size() == 0);
}

TEST_CASE("listeners hear of a stale entry once, as expired",
          "[store][stale]") {
  stale_store f;
  for (const auto* key : {"replaced", "erased", "tagged", "left"}) {
    write_options how;
    how.tags = {key};
    f.set(key, "value", how);
  }
  f.time.advance(10s);
  f.set("replaced", "new");
  CHECK(f.uut.erase(f.key("erased")) == false);
  REQUIRE(f.forgotten->tags().invalidate("tagged"));
  f.sweep();
  CHECK(f.sink.heard
        == std::vector<std::string>{"replaced expired", "erased expired",
                                    "tagged expired"});
  f.time.advance(100s + tick * 2);
  f.sweep();
  CHECK(f.sink.heard.size() == 4);
  CHECK(f.sink.heard.back() == "left expired");
  f.time.advance(10s);
  f.sweep();
  CHECK(f.sink.heard.size() == 5);
}

TEST_CASE("listeners do not hear of a cached absence", "[store][stale]") {
  stale_store f;
  const auto store_absence = [&](const std::string& key) {
    const auto granted = f.uut.acquire_load(f.key(key), 1);
    REQUIRE(granted);
    REQUIRE(std::holds_alternative<load_granted>(*granted));
    REQUIRE(f.uut.commit_load(f.key(key), 1,
                              std::get<load_granted>(*granted).born,
                              std::nullopt, {}, 5s));
    CHECK(f.usable(key) == "<absent>");
    f.validate();
  };
  store_absence("replaced");
  store_absence("erased");
  store_absence("left");
  f.set("replaced", "new");
  CHECK(f.uut.erase(f.key("erased")) == false);
  f.time.advance(5s + tick * 2);
  f.sweep();
  CHECK(f.uut.entries().size() == 1);
  CHECK(f.uut.entries().expirations() == 0);
  CHECK(f.sink.heard.empty());
}

TEST_CASE("who watches an absent key does not notice a cached absence",
          "[store][stale]") {
  stale_store f;
  const auto before = f.uut.watch(f.key("k"));
  REQUIRE(before);
  const auto granted = f.uut.acquire_load(f.key("k"), 1);
  REQUIRE(granted);
  REQUIRE(f.uut.commit_load(f.key("k"), 1,
                            std::get<load_granted>(*granted).born, std::nullopt,
                            {}, 5s));
  CHECK_FALSE(before->absence->ended());
  CHECK(f.uut.watch(f.key("k"))->version == no_version);
  f.set("k", "value");
  CHECK(before->absence->ended());
}

TEST_CASE("stale entries are evicted like others", "[store][stale]") {
  stale_store f{256 << 10};
  for (int i = 0; i < 1'000; ++i)
    f.set("old " + std::to_string(i), std::string(200, 'x'));
  f.time.advance(10s);
  for (int i = 0; i < 10'000; ++i)
    f.set("new " + std::to_string(i), std::string(200, 'x'));
  f.validate();
  CHECK(f.uut.entries().charged() <= 256 << 10);
  CHECK(f.uut.entries().evictions() > 9'000);
}

TEST_CASE("a stale entry is moved with its moments", "[store][stale]") {
  stale_store f;
  constexpr int n = 20'000;
  write_options red;
  red.tags = {"red"};
  for (int i = 0; i < n; ++i)
    f.set(std::to_string(i), std::string(100, 'x'),
          i % 3 == 0 ? red : write_options{});
  f.time.advance(10s);
  for (int i = 0; i < n; ++i)
    if (i % 8 != 0)
      REQUIRE(f.uut.erase(f.key(std::to_string(i))) == false);
  for (int i = 0; i < 2'000; ++i)
    f.uut.sweep();
  f.validate();
  CHECK(f.uut.entries().relocations() > 0);
  CHECK(f.uut.entries().size() == n / 8);
  for (int i = 0; i < n; i += 8)
    REQUIRE(f.usable(std::to_string(i)) == std::string(100, 'x'));
  f.time.advance(100s);
  CHECK(f.usable("0") == "<none>");
}
