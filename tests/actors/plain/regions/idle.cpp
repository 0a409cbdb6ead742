// Entries of a region that expire when nobody comes.

#include <troupe/actors/regions/region.hpp>

#include <array>
#include <random>
#include <string>
#include <vector>

#include <troupe/backends/memory/shards/key_scan.hpp>

#include "actors/plain/fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr ttl_duration idle = 64s;
constexpr ttl_duration spare = 1s; // A 64th of it.

region_options idling(ttl_duration ttl = no_expiry) {
  region_options result;
  result.ttl = ttl;
  result.idle = idle;
  return result;
}

ttl_duration left(region_fixture& f, std::string_view key) {
  auto result = f.uut->ttl(key);
  REQUIRE(result);
  return result->value_or(ttl_duration::zero());
}

// Whether `read` is a use of the entry: it puts its end off.
template <class F>
bool uses(F&& read) {
  region_fixture f{idling()};
  REQUIRE(f.uut->set("k", "1"));
  f.time.advance(30s);
  read(*f.uut);
  if (left(f, "k") == idle - 30s)
    return false;
  CHECK(left(f, "k") >= idle);
  CHECK(left(f, "k") <= idle + spare);
  return true;
}

} // namespace

TEST_CASE("a region's entries go when nobody reads them", "[region][idle]") {
  region_fixture f{idling()};
  REQUIRE(f.uut->set("read", "1"));
  REQUIRE(f.uut->set("idle", "1"));
  for (int i = 0; i < 3; ++i) {
    f.time.advance(60s);
    CHECK(f.get("read") == "1");
  }
  CHECK(f.get("idle") == "<none>");
  f.time.advance(idle + spare);
  CHECK(f.get("read") == "<none>");
}

TEST_CASE("of idle time and TTL the first to end counts", "[region][idle]") {
  region_fixture f{idling(100s)};
  REQUIRE(f.uut->set("k", "1"));
  CHECK(left(f, "k") == idle);
  f.time.advance(60s);
  CHECK(f.get("k") == "1");
  CHECK(left(f, "k") == 40s);
  f.time.advance(40s);
  CHECK(f.get("k") == "<none>");
  REQUIRE(f.uut->set("k", "1", {.ttl = 5s}));
  CHECK(left(f, "k") == 5s);
  REQUIRE(f.uut->set("k", "1", {.ttl = no_expiry, .idle = no_expiry}));
  CHECK(left(f, "k") == no_expiry);
}

TEST_CASE("what hands a value out uses it, what only looks does not",
          "[region][idle]") {
  const std::array<bytes_view, 2> keys{"k", "other"};
  CHECK(uses([](region& x) { REQUIRE(x.get("k")); }));
  CHECK(uses([&](region& x) { REQUIRE(x.get_many(keys)); }));
  CHECK(uses([](region& x) { REQUIRE(x.visit("k", [](auto&) {})); }));
  CHECK(uses([&](region& x) {
    REQUIRE(x.visit_many(keys, [](std::size_t, const entry_view*) {}));
  }));
  CHECK(uses([](region& x) {
    REQUIRE(x.get_or_set("k", [](load_context&) { return bytes{}; }));
  }));
  CHECK(uses([](region& x) {
    REQUIRE(x.transform(
      "k", [](const entry_view*) -> expected<edit> { return edit::keep(); }));
  }));
  CHECK(!uses([](region& x) { REQUIRE(x.contains("k")); }));
  CHECK(!uses([](region& x) { REQUIRE(x.ttl("k")); }));
  CHECK(!uses([](region& x) { REQUIRE(x.set_if_absent("k", "2") == false); }));
  CHECK(!uses([](region& x) {
    REQUIRE(x.visit(
      "k", [](auto&) {}, lookup::peek));
  }));
  CHECK(!uses([&](region& x) {
    REQUIRE(x.visit_many(
      keys, [](std::size_t, const entry_view*) {}, lookup::peek));
  }));
  CHECK(!uses([](region& x) {
    std::minstd_rand random;
    REQUIRE(x.random_key(random).value() == "k");
    for (scan_cursor next = 0;;) {
      next = x.scan(next, [](bytes_view, const entry_view&) {}).value();
      if (next == 0)
        break;
    }
  }));
}

TEST_CASE("what writes a value lets it idle anew", "[region][idle]") {
  auto renews = [](auto write) {
    region_fixture f{idling()};
    REQUIRE(f.uut->set("k", "1"));
    f.time.advance(30s);
    write(*f.uut);
    return left(f, "k") == idle;
  };
  CHECK(renews([](region& x) { REQUIRE(x.set("k", "2")); }));
  CHECK(renews([](region& x) { REQUIRE(x.increment("k") == 2); }));
  CHECK(renews([](region& x) { REQUIRE(x.touch("k", 1h) == true); }));
  CHECK(renews([](region& x) { REQUIRE(x.touch("k", no_expiry) == true); }));
  CHECK(renews([](region& x) {
    std::vector<key_value> items{{"k", "2"}, {"other", "3"}};
    REQUIRE(x.set_many(items));
  }));
  CHECK(renews([](region& x) {
    REQUIRE(x.update(
      "k", [](auto) -> expected<std::optional<bytes>> { return bytes{"2"}; }));
  }));
  CHECK(renews([](region& x) {
    auto version = no_version;
    REQUIRE(x.visit("k", [&](const entry_view& y) { version = y.version; }));
    REQUIRE(x.compare_and_set("k", version, "2")->has_value());
  }));
}

TEST_CASE("a batch says its idle time", "[region][idle]") {
  region_fixture f;
  std::vector<key_value> items{{"a", "1"}, {"b", "2"}};
  REQUIRE(f.uut->set_many(items, {.idle = 5s}));
  CHECK(left(f, "a") == 5s);
  CHECK(left(f, "b") == 5s);
}

TEST_CASE("a loader chooses the idle time", "[region][idle]") {
  region_fixture f{idling()};
  auto load = [](std::optional<ttl_duration> x) {
    return [x](load_context& context) -> expected<bytes> {
      if (x)
        context.idle(*x);
      return bytes{"1"};
    };
  };
  REQUIRE(f.uut->get_or_set("region's", load(std::nullopt)));
  CHECK(left(f, "region's") == idle);
  REQUIRE(f.uut->get_or_set("caller's", load(std::nullopt), {.idle = 7s}));
  CHECK(left(f, "caller's") == 7s);
  REQUIRE(f.uut->get_or_set("loader's", load(5s), {.idle = 7s}));
  CHECK(left(f, "loader's") == 5s);
  REQUIRE(f.uut->get_or_set("none", load(no_expiry)));
  CHECK(left(f, "none") == no_expiry);
  CHECK(f.uut->get_or_set("bad", load(-1ms)).error() == errc::invalid_argument);
  CHECK(f.get("bad") == "<none>");
}

TEST_CASE("idle times that make no sense are refused", "[region][idle]") {
  for (ttl_duration x : {0ms, -1ms, max_ttl + 1ms}) {
    auto refused = check(region_options{.idle = x});
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == errc::invalid_argument);
    CHECK(refused.error().text().find("idle is ") == 0);
    region_fixture f;
    CHECK(f.uut->set("k", "1", {.idle = x}).error() == errc::invalid_argument);
    CHECK(f.get("k") == "<none>");
  }
  CHECK(check(region_options{.idle = 1ms}));
  CHECK(check(region_options{.idle = no_expiry}));
}

TEST_CASE("the longest idle time does not overflow", "[region][idle]") {
  region_fixture f;
  REQUIRE(f.uut->set("k", "1", {.idle = max_ttl}));
  CHECK(left(f, "k") == max_ttl);
  f.time.advance(1h);
  CHECK(f.get("k") == "1");
  CHECK(left(f, "k") >= max_ttl);
  CHECK(left(f, "k") <= max_ttl + max_ttl / 64);
}

TEST_CASE("a region tells how many of its entries expire, and when, as they "
          "slide",
          "[region][idle]") {
  region_fixture f{idling()};
  for (int i = 0; i < 10; ++i)
    REQUIRE(f.uut->set(std::to_string(i), "x"));
  REQUIRE(f.uut->set("for good", "x", {.idle = no_expiry}));
  CHECK(f.uut->stats().expiring == 10);
  // To within a tenth of a second.
  auto mean = [&] { return f.uut->stats().mean_ttl; };
  CHECK(mean() > idle - 100ms);
  CHECK(mean() < idle + 100ms);
  f.time.advance(60s);
  for (int i = 0; i < 10; ++i)
    CHECK(f.get(std::to_string(i)) == "x");
  CHECK(mean() > idle + spare - 100ms);
  CHECK(mean() < idle + spare + 100ms);
  f.time.advance(idle + spare + 100ms);
  f.uut->tick();
  CHECK(f.uut->stats().keys == 1);
  CHECK(f.uut->stats().expiring == 0);
  CHECK(f.uut->stats().expirations == 10);
}
