// Entries that expire when nothing reads or writes them.

#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "conformance/fixture.hpp"
#include "conformance/loading.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

constexpr ttl_duration idle = 64min;

/// So much later than its idle time says an entry may end.
constexpr ttl_duration spare = 1min; // A 64th of it.

region_options idling(ttl_duration ttl = no_expiry) {
  region_options result;
  result.ttl = ttl;
  result.idle = idle;
  return result;
}

/// Whether the idle time of an entry begins anew with `f`, at most `late` later. An
/// entry of the manual clock is half an hour old by then.
template <class F>
bool renews(const provider_kind& kind, F&& f, std::chrono::nanoseconds late) {
  fixture here{kind, idling()};
  REQUIRE(here.uut->set("k", "1"));
  if (here.exact_tick())
    here.advance(30min);
  else
    here.advance(5ms);
  const auto before = look_at(*here.uut, "k")->deadline;
  const auto used = here.during([&] { f(*here.uut); });
  const auto after = look_at(*here.uut, "k")->deadline;
  if (after == before)
    return false;
  CHECK(here.ends("k", used, idle, late));
  return true;
}

} // namespace

PROVIDER_CASE("a region's entries expire when nothing reads them",
              "[idle][expiry]") {
  region_options options;
  fixture here{kind};
  options.idle = here.units(64);
  fixture f{kind, options};
  REQUIRE(f.uut->set("read", "1"));
  REQUIRE(f.uut->set("idle", "1"));
  if (f.exact_tick())
    for (int i = 0; i < 3; ++i) {
      f.advance(f.units(60));
      CHECK(f.get("read") == "1");
    }
  f.advance(f.units(65));
  CHECK(f.get("idle") == "<none>");
  CHECK(f.get("read") == "<none>");
}

PROVIDER_CASE("of idle time and TTL the first to end counts",
              "[idle][expiry]") {
  fixture f{kind, idling(100min)};
  auto written = f.during([&] { REQUIRE(f.uut->set("k", "1")); });
  CHECK(f.ends("k", written, idle));
  CHECK(f.falls(look_at(*f.uut, "k")->ttl_end, written, 100min));
  if (f.exact_tick()) {
    f.advance(60min);
    CHECK(f.get("k") == "1");
    CHECK(f.ends("k", written, 100min));
    f.advance(40min);
    CHECK(f.get("k") == "<none>");
  }
  written = f.during([&] { REQUIRE(f.uut->set("k", "1", {.ttl = 5min})); });
  CHECK(f.ends("k", written, 5min));
  REQUIRE(f.uut->set("k", "1", {.ttl = no_expiry, .idle = no_expiry}));
  CHECK(f.uut->ttl("k") == no_expiry);
}

PROVIDER_CASE("what hands a value out uses it, what only looks does not",
              "[idle]") {
  const std::array<bytes_view, 2> keys{"k", "other"};
  auto uses = [&](auto read) { return renews(kind, read, spare); };
  if (kind.exact_tick) {
    CHECK(uses([](region& x) { REQUIRE(x.get("k")); }));
    CHECK(uses([&](region& x) { REQUIRE(x.get_many(keys)); }));
    CHECK(uses([](region& x) { REQUIRE(x.visit("k", [](auto&) {})); }));
    CHECK(uses([&](region& x) {
      REQUIRE(x.visit_many(keys, [](std::size_t, const entry_view*) {}));
    }));
    CHECK(uses([](region& x) {
      REQUIRE(future_of<std::optional<entry_copy>>([&](auto done) {
                x.get_then(carried_key{bytes{"k"}}, lookup::use, done);
              }).get());
    }));
    CHECK(
      uses([](region& x) { REQUIRE(x.get_or_set("k", bring("2")) == "1"); }));
    CHECK(uses([](region& x) {
      REQUIRE(get_or_set_async(x, "k", bring("2")).get() == "1");
    }));
    CHECK(uses([](region& x) {
      REQUIRE(x.transform(
        "k", [](const entry_view*) -> expected<edit> { return edit::keep(); }));
    }));
  }
  CHECK(!uses([](region& x) { REQUIRE(x.contains("k")); }));
  CHECK(!uses([](region& x) { REQUIRE(x.ttl("k")); }));
  CHECK(!uses([](region& x) { REQUIRE(x.set_if_absent("k", "2") == false); }));
  CHECK(!uses([](region& x) { REQUIRE(x.set("other", "2") == true); }));
  CHECK(!uses([](region& x) {
    REQUIRE(x.visit(
      "k", [](auto&) {}, lookup::peek));
  }));
  CHECK(!uses([&](region& x) {
    REQUIRE(x.visit_many(
      keys, [](std::size_t, const entry_view*) {}, lookup::peek));
  }));
  CHECK(!uses([](region& x) {
    REQUIRE(future_of<std::optional<entry_copy>>([&](auto done) {
              x.get_then(carried_key{bytes{"k"}}, lookup::peek, done);
            }).get());
  }));
  CHECK(!uses([](region& x) {
    if (x.provider().scans() == nullptr)
      return;
    std::minstd_rand random;
    REQUIRE(x.random_key(random).value() == "k");
    for (scan_cursor next = 0;;) {
      next = x.scan(next, [](bytes_view, const entry_view&) {}).value();
      if (next == 0)
        break;
    }
  }));
}

PROVIDER_CASE("what writes a value lets it idle anew", "[idle]") {
  auto anew = [&](auto write) { return renews(kind, write, 0s); };
  CHECK(anew([](region& x) { REQUIRE(x.set("k", "2")); }));
  CHECK(anew([](region& x) { REQUIRE(x.increment("k") == 2); }));
  CHECK(anew([](region& x) { REQUIRE(x.touch("k", 5h) == true); }));
  CHECK(anew([](region& x) { REQUIRE(x.touch("k", no_expiry) == true); }));
  CHECK(anew([](region& x) {
    const std::vector<key_value> items{{"k", "2"}, {"other", "3"}};
    REQUIRE(x.set_many(items));
  }));
  CHECK(anew([](region& x) {
    REQUIRE(x.update("k", [](auto) -> loaded { return bytes{"2"}; }));
  }));
  CHECK(anew([](region& x) {
    REQUIRE(x.compare_and_set("k", version_of(x, "k"), "2")->has_value());
  }));
  CHECK(anew([](region& x) {
    REQUIRE(x.transform("k", [](const entry_view*) -> expected<edit> {
      return edit::append("2");
    }));
  }));
}

PROVIDER_CASE("a batch says its idle time", "[idle]") {
  fixture f{kind};
  const std::vector<key_value> items{{"a", "1"}, {"b", "2"}};
  const auto written
    = f.during([&] { REQUIRE(f.uut->set_many(items, {.idle = 1h})); });
  CHECK(f.ends("a", written, 1h));
  CHECK(f.ends("b", written, 1h));
}

PROVIDER_CASE("idle times that make no sense are refused", "[idle][G10]") {
  fixture f{kind};
  for (ttl_duration x : {0ms, -1ms, max_ttl + 1ms}) {
    CHECK(f.uut->set("k", "1", {.idle = x}).error() == errc::invalid_argument);
    CHECK(set_async(*f.uut, "k", "1", {.idle = x}).get().error()
          == errc::invalid_argument);
    CHECK(f.get("k") == "<none>");
  }
}

PROVIDER_CASE("the longest idle time does not overflow", "[idle][G10]") {
  fixture f{kind};
  const auto written
    = f.during([&] { REQUIRE(f.uut->set("k", "1", {.idle = max_ttl})); });
  CHECK(f.ends("k", written, max_ttl));
  f.advance(f.exact_tick() ? std::chrono::nanoseconds{1h} : 5ms);
  const auto used = f.during([&] { CHECK(f.get("k") == "1"); });
  const auto deadline = look_at(*f.uut, "k")->deadline;
  CHECK(deadline >= used.first + max_ttl);
  CHECK(deadline <= used.last + max_ttl + max_ttl / 64);
}
