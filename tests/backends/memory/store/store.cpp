#include <troupe/backends/memory/store/store.hpp>

#include <array>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "store_fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

using fixture = store_fixture;

TEST_CASE("a conditional set looks at live entries only", "[store]") {
  fixture f;
  CHECK(!f.set("a", "1", {.condition = write_condition::if_present}));
  CHECK(f.set("a", "1", {.ttl = 1s, .condition = write_condition::if_absent}));
  CHECK(!f.set("a", "2", {.condition = write_condition::if_absent}));
  CHECK(f.get("a") == "1");
  f.time.advance(1s);
  CHECK(f.get("a") == "<none>");
  CHECK(!f.set("a", "3", {.condition = write_condition::if_present}));
  CHECK(f.set("a", "4", {.condition = write_condition::if_absent}));
  CHECK(f.get("a") == "4");
}

TEST_CASE("an entry is gone at its deadline, not before", "[store]") {
  fixture f{10ms};
  f.set("a", "1");
  f.set("b", "1", {.ttl = 20ms});
  f.set("c", "1", {.ttl = no_expiry});
  f.time.advance(10ms - 1ns);
  CHECK(f.get("a") == "1");
  f.time.advance(1ns);
  CHECK(f.get("a") == "<none>");
  CHECK(f.get("b") == "1");
  CHECK(f.uut.erase(f.key("a")) == false);
  CHECK(f.uut.touch(f.key("a"), 1s) == false);
  f.time.advance(1h);
  CHECK(f.get("b") == "<none>");
  CHECK(f.get("c") == "1");
}

TEST_CASE("a set with keep_ttl keeps the deadline", "[store]") {
  fixture f{1min};
  f.set("a", "1", {.ttl = 10ms});
  f.set("a", "2", {.ttl = 1h, .keep_ttl = true});
  CHECK(f.get("a") == "2");
  f.time.advance(10ms);
  CHECK(f.get("a") == "<none>");
  f.set("a", "3", {.ttl = 1h, .keep_ttl = true});
  f.time.advance(59min);
  CHECK(f.get("a") == "3");
}

TEST_CASE("touch moves the deadline and takes a version", "[store]") {
  fixture f{10ms};
  f.set("a", "1");
  auto before = f.version("a");
  CHECK(f.uut.touch(f.key("a"), 1s) == true);
  CHECK(f.version("a") > before);
  f.time.advance(999ms);
  CHECK(f.get("a") == "1");
  CHECK(f.uut.touch(f.key("a"), no_expiry) == true);
  f.time.advance(24h);
  CHECK(f.get("a") == "1");
  CHECK(f.uut.entries().expiring() == 0);
}

TEST_CASE("jitter shortens the TTL evenly within its band", "[store]") {
  fixture f{1000ms, 0.2};
  constexpr int n = 4'000;
  std::array<int, 10> histogram{};
  auto start = f.time.now();
  for (int i = 0; i < n; ++i) {
    f.set("a", "1");
    auto deadline = never;
    f.uut.read(f.key("a"), [&](const entry_view& x) { deadline = x.deadline; });
    auto ttl = deadline - start;
    REQUIRE(ttl > 800ms);
    REQUIRE(ttl <= 1000ms);
    ++histogram[static_cast<std::size_t>((1000ms - ttl) / 20ms)];
  }
  // 400 expected per tenth; five standard deviations are 95.
  for (auto x : histogram)
    CHECK(std::abs(x - n / 10) < 95);
}

TEST_CASE("every committed change takes a higher version", "[store]") {
  fixture f;
  f.set("a", "1");
  auto first = f.version("a");
  f.set("a", "1");
  auto second = f.version("a");
  CHECK(second > first);
  auto third = f.uut.compare_and_set(f.key("a"), second, "2", {});
  REQUIRE(third);
  REQUIRE(*third);
  CHECK(**third > second);
  CHECK(f.version("a") == **third);
}

TEST_CASE("compare_and_set stores over the named version only", "[store]") {
  fixture f;
  CHECK(f.uut.compare_and_set(f.key("a"), 7, "1", {})->has_value() == false);
  auto made = f.uut.compare_and_set(f.key("a"), no_version, "1", {});
  REQUIRE(made->has_value());
  CHECK(!f.uut.compare_and_set(f.key("a"), no_version, "2", {})->has_value());
  CHECK(f.uut.compare_and_set(f.key("a"), **made, "2", {})->has_value());
  CHECK(!f.uut.compare_and_set(f.key("a"), **made, "3", {})->has_value());
  CHECK(f.get("a") == "2");
  CHECK(f.uut.compare_and_erase(f.key("a"), **made) == false);
  CHECK(f.uut.compare_and_erase(f.key("a"), f.version("a")) == true);
  CHECK(f.uut.compare_and_erase(f.key("a"), no_version) == true);
  CHECK(f.get("a") == "<none>");
}

TEST_CASE("a store does what a simple model does", "[store]") {
  struct model_entry {
    std::string value;
    time_point deadline;
  };
  fixture f{50ms};
  std::map<std::string, model_entry> model;
  std::minstd_rand random{1};
  auto live = [&](const std::string& key) {
    auto i = model.find(key);
    return i != model.end() && f.time.now() < i->second.deadline;
  };
  for (int i = 0; i < 50'000; ++i) {
    auto key = std::to_string(random() % 200);
    auto* k = key.c_str();
    switch (random() % 8) {
      case 0: {
        CHECK(f.uut.erase(f.key(k)) == live(key));
        model.erase(key);
        break;
      }
      case 1: {
        auto ttl = std::chrono::milliseconds{1 + random() % 100};
        auto was = live(key);
        CHECK(f.uut.touch(f.key(k), ttl) == was);
        if (was)
          model[key].deadline = f.time.now() + ttl;
        break;
      }
      case 2: {
        auto was = live(key);
        auto old = was ? std::stoll(model[key].value) : 0;
        CHECK(f.uut.increment(f.key(k), 3) == old + 3);
        model[key] = {std::to_string(old + 3),
                      was ? model[key].deadline : f.time.now() + 50ms};
        break;
      }
      case 3: {
        auto was = live(key);
        CHECK(f.set(k, "1", {.condition = write_condition::if_absent}) == !was);
        if (!was)
          model[key] = {"1", f.time.now() + 50ms};
        break;
      }
      case 4:
        f.time.advance(std::chrono::milliseconds{random() % 5});
        break;
      case 5:
        f.uut.sweep();
        break;
      default:
        f.set(k, std::to_string(i));
        model[key] = {std::to_string(i), f.time.now() + 50ms};
    }
    if (f.get(k) != (live(key) ? model[key].value : "<none>"))
      FAIL("step " << i << " differs for " << key);
    if (i % 10'000 == 9'999) {
      CHECK(f.uut.entries().validate() == "");
      REQUIRE(f.uut.clear());
      model.clear();
    }
  }
}

TEST_CASE("an entry that is touched keeps its tags in use", "[store][tags]") {
  fixture f;
  auto& tags = f.forgotten->tags();
  write_options how;
  how.ttl = 1min;
  how.tags = {"x"};
  f.set("k", "1", how);
  REQUIRE(f.uut.touch(fixture::key("k"), 1min) == true);
  // Names without an entry, until one more has the oldest of them forgotten.
  for (const auto one = tags.bytes();
       tags.bytes() + one <= memory::tag_registry::most_idle_bytes;)
    REQUIRE(tags.invalidate("name " + std::to_string(tags.size())));
  how.tags = {"x", "y"};
  f.set("k", "2", how);
  REQUIRE(f.uut.touch(fixture::key("k"), 1min) == true);
  std::vector<std::uint32_t> uses;
  f.uut.entries().count_tags(uses);
  CHECK(tags.validate(uses) == "");
  REQUIRE(tags.invalidate("x"));
  CHECK(f.get("k") == "<none>");
}
