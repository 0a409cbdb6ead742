// An entry is there until its deadline, and absent from then on (G7).

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

PROVIDER_CASE("a region tells and changes what is left of a TTL",
              "[expiry][G7]") {
  fixture f{kind};
  const auto written
    = f.during([&] { REQUIRE(f.uut->set("a", "1", {.ttl = 1h})); });
  REQUIRE(f.uut->set("b", "1"));
  CHECK(f.ends("a", written, 1h));
  CHECK(f.uut->ttl("b").value() == no_expiry);
  CHECK(f.uut->ttl("c").value() == std::nullopt);
  if (f.exact_tick()) {
    f.advance(1ns);
    CHECK(f.uut->ttl("a").value() == ttl_duration{1h});
    f.advance(1ms);
    CHECK(f.uut->ttl("a").value() == ttl_duration{1h} - 1ms);
  }
  const auto touched = f.during([&] { CHECK(f.uut->touch("a", 5h) == true); });
  CHECK(f.ends("a", touched, 5h));
  CHECK(f.uut->touch("a", no_expiry) == true);
  CHECK(f.uut->ttl("a").value() == no_expiry);
  CHECK(f.uut->touch("c", 5h) == false);
  CHECK(f.uut->contains("c") == false);
}

PROVIDER_CASE("an entry is found until its deadline and not from then on",
              "[expiry][G7]") {
  fixture f{kind};
  const auto way = GENERATE(range(0, 8));
  auto found = [&]() -> bool {
    const std::array<bytes_view, 1> keys{"k"};
    switch (way) {
      case 0:
        return f.uut->get("k").value().has_value();
      case 1:
        return f.uut->get_many(keys).value().front().has_value();
      case 2:
        return f.uut->visit("k", [](auto&) {}).value();
      case 3:
        return f.uut
          ->visit(
            "k", [](auto&) {}, lookup::peek)
          .value();
      case 4:
        return f.uut->contains("k").value();
      case 5:
        return f.uut->ttl("k").value().has_value();
      case 6:
        return future_of<std::optional<entry_copy>>([&](auto done) {
                 f.uut->get_then(carried_key{bytes{"k"}}, lookup::use, done);
               })
          .get()
          .value()
          .has_value();
      default: {
        auto result = false;
        REQUIRE(
          f.uut->transform("k", [&](const entry_view* x) -> expected<edit> {
            result = x != nullptr;
            return edit::keep();
          }));
        return result;
      }
    }
  };
  const auto ttl = f.units(2);
  const auto written
    = f.during([&] { REQUIRE(f.uut->set("k", "1", {.ttl = ttl})); });
  CHECK((found() || f.now() >= written.first + ttl));
  if (f.exact_tick()) {
    f.advance(ttl - 1ns);
    CHECK(found());
    f.advance(1ns);
  } else {
    f.advance(ttl);
  }
  CHECK_FALSE(found());
  // It does not come back.
  CHECK(f.uut->touch("k", 1h) == false);
  CHECK_FALSE(found());
  f.uut->tick();
  CHECK_FALSE(found());
}

PROVIDER_CASE("a change finds no expired entry", "[expiry][G7]") {
  fixture f{kind};
  const auto expired = [&](const char* key) {
    REQUIRE(f.uut->set(key, "7", {.ttl = f.units(1)}));
  };
  for (auto* key : {"erase", "touch", "erase later", "touch later", "load"})
    expired(key);
  f.advance(f.units(1));
  CHECK(f.uut->erase("erase") == false);
  CHECK(f.uut->touch("touch", 1h) == false);
  CHECK(erase_async(*f.uut, "erase later").get() == false);
  CHECK(touch_async(*f.uut, "touch later", 1h).get() == false);
  CHECK(f.uut->get_or_set("load", bring("loaded")) == "loaded");
}

PROVIDER_CASE("a write gets the region's TTL, unless it names its own",
              "[expiry]") {
  fixture f{kind, {.ttl = 2h}};
  auto written = f.during([&] { REQUIRE(f.uut->set("k", "1")); });
  CHECK(f.ends("k", written, 2h));
  written = f.during([&] { REQUIRE(f.uut->set("k", "1", {.ttl = 1h})); });
  CHECK(f.ends("k", written, 1h));
  REQUIRE(f.uut->set("k", "1", {.ttl = no_expiry}));
  CHECK(f.uut->ttl("k") == no_expiry);
  written = f.during([&] { REQUIRE(f.uut->set("k", "1")); });
  CHECK(f.ends("k", written, 2h));
}

PROVIDER_CASE("the longest TTL does not overflow, and the shortest counts",
              "[expiry][G10]") {
  fixture f{kind};
  const auto written = f.during([&] {
    REQUIRE(f.uut->set("long", "1", {.ttl = max_ttl}));
    REQUIRE(f.uut->set("touched", "1"));
    REQUIRE(f.uut->touch("touched", max_ttl) == true);
  });
  CHECK(f.ends("long", written, max_ttl));
  CHECK(f.ends("touched", written, max_ttl));
  f.advance(1ms);
  CHECK(f.get("long") == "1");
  REQUIRE(f.uut->set("short", "1", {.ttl = 1ms}));
  f.advance(1ms);
  CHECK(f.get("short") == "<none>");
}

PROVIDER_CASE("jitter ends entries within its band, spread over it",
              "[expiry][G7]") {
  // In tenths of the band; of 4,000 entries 400 each, with a standard deviation of 19.
  constexpr std::size_t n = 4'000;
  constexpr auto ttl = std::chrono::hours{10};
  constexpr double share = 0.2;
  const auto own = GENERATE(false, true);
  region_options options;
  options.ttl = ttl;
  options.jitter = own ? 0.0 : share;
  fixture f{kind, options};
  write_options how;
  if (own)
    how.jitter = share;
  std::array<std::size_t, 10> tenths{};
  for (std::size_t i = 0; i < n; ++i) {
    const auto key = std::to_string(i);
    const auto written = f.during([&] { REQUIRE(f.uut->set(key, "x", how)); });
    const auto end = look_at(*f.uut, key)->deadline;
    const auto early = std::chrono::duration<double>(written.last + ttl - end)
                       / (std::chrono::duration<double>(ttl) * share);
    CHECK(end <= written.last + ttl);
    CHECK(end >= written.first + ttl - std::chrono::hours{2} - 1ms);
    ++tenths.at(std::min<std::size_t>(static_cast<std::size_t>(early * 10), 9));
  }
  for (auto x : tenths)
    CHECK((x > 280 && x < 520));
  // It is counted.
  const auto counts = f.uut->jitter_histogram();
  CHECK(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == n);
  for (auto x : counts)
    CHECK((x > 150 && x < 350));
  // None without, and none for what is told exactly.
  how.jitter = 0.0;
  const auto written
    = f.during([&] { REQUIRE(f.uut->set("exact", "x", how)); });
  CHECK(f.ends("exact", written, ttl));
  const auto touched
    = f.during([&] { REQUIRE(f.uut->touch("0", 20h) == true); });
  CHECK(f.ends("0", touched, 20h));
  CHECK(f.uut->jitter_histogram() == counts);
}

PROVIDER_CASE("the jitter that entries were given is uniform", "[expiry][G7]") {
  region_options options;
  options.ttl = std::chrono::minutes{10};
  options.jitter = 0.2;
  fixture f{kind, options};
  constexpr std::size_t n = 32'000;
  for (std::size_t i = 0; i < n; ++i)
    REQUIRE(f.uut->set("key:" + std::to_string(i), "x"));
  auto counts = f.uut->jitter_histogram();
  CHECK(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == n);
  // 2,000 in each slot, with a standard deviation of 43.
  for (auto x : counts)
    CHECK((x > 1'700 && x < 2'300));
  // Without jitter nothing is counted.
  write_options how;
  how.jitter = 0.0;
  REQUIRE(f.uut->set("exact", "x", how));
  CHECK(f.uut->jitter_histogram() == counts);
}
