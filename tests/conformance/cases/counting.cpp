// Increments: ranges, what is no integer, and what an entry keeps.

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "conformance/fixture.hpp"

using namespace troupe;
using namespace conformance;
using namespace std::chrono_literals;

namespace {

using limits = std::numeric_limits<std::int64_t>;

constexpr integer_range all_unsigned{
  0, std::numeric_limits<std::uint64_t>::max(), true};

/// An increment, waiting or not.
expected<std::int64_t> add(region& where, bool later, std::string key,
                           std::int64_t delta,
                           const integer_range& within = {}) {
  if (!later)
    return where.increment(key, delta, within);
  return future_of<std::int64_t>([&](auto done) {
           where.increment_then(carried_key{std::move(key)}, delta, within,
                                done);
         })
    .get();
}

} // namespace

PROVIDER_CASE("an increment counts from nothing and from what is there",
              "[counting]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  CHECK(add(*f.uut, later, "n", 5) == 5);
  CHECK(add(*f.uut, later, "n", -7) == -2);
  CHECK(add(*f.uut, later, "n", 0) == -2);
  CHECK(f.get("n") == "-2");
  CHECK(f.uut->increment("n") == -1);
  CHECK(f.uut->increment("n") == 0);
  CHECK(f.get("n") == "0");
  CHECK(add(*f.uut, later, "zero", 0) == 0);
  CHECK(f.get("zero") == "0");
  for (const auto* text :
       {"0", "7", "-1", "9223372036854775806", "-9223372036854775808"}) {
    REQUIRE(f.uut->set("n", text));
    CHECK(add(*f.uut, later, "n", 1) == std::stoll(text) + 1);
  }
}

PROVIDER_CASE("a sum outside of 64 bits is refused and changes nothing",
              "[counting][G10]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  REQUIRE(f.uut->set("most", std::to_string(limits::max() - 1)));
  CHECK(add(*f.uut, later, "most", 1) == limits::max());
  const auto before = look_at(*f.uut, "most");
  CHECK(add(*f.uut, later, "most", 1).error() == errc::integer_overflow);
  CHECK(add(*f.uut, later, "most", limits::max()).error()
        == errc::integer_overflow);
  CHECK(look_at(*f.uut, "most") == before);
  CHECK(add(*f.uut, later, "most", limits::min()) == -1);
  REQUIRE(f.uut->set("least", std::to_string(limits::min())));
  CHECK(add(*f.uut, later, "least", -1).error() == errc::integer_overflow);
  CHECK(add(*f.uut, later, "least", limits::min()).error()
        == errc::integer_overflow);
  CHECK(f.get("least") == std::to_string(limits::min()));
  CHECK(add(*f.uut, later, "least", limits::max()) == -1);
}

PROVIDER_CASE("a caller's range bounds the sum", "[counting][G10]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  const integer_range small{-8, 7, true};
  CHECK(add(*f.uut, later, "n", 8, small).error() == errc::integer_overflow);
  CHECK(f.get("n") == "<none>");
  CHECK(add(*f.uut, later, "n", 7, small) == 7);
  CHECK(add(*f.uut, later, "n", 1, small).error() == errc::integer_overflow);
  CHECK(add(*f.uut, later, "n", -16, small).error() == errc::integer_overflow);
  CHECK(add(*f.uut, later, "n", -15, small) == -8);
  CHECK(f.get("n") == "-8");
  const auto text = add(*f.uut, later, "n", -1, small).error().text();
  CHECK_FALSE(text.empty());
}

PROVIDER_CASE("an unsigned range of 64 bits is counted to its end",
              "[counting]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  REQUIRE(f.uut->set("n", std::to_string(most - 1)));
  CHECK(add(*f.uut, later, "n", 1, all_unsigned)
        == static_cast<std::int64_t>(most));
  CHECK(f.get("n") == std::to_string(most));
  CHECK(add(*f.uut, later, "n", 1, all_unsigned).error()
        == errc::integer_overflow);
  CHECK(add(*f.uut, later, "n", limits::min(), all_unsigned) == limits::max());
  CHECK(add(*f.uut, later, "zero", -1, all_unsigned).error()
        == errc::integer_overflow);
}

PROVIDER_CASE(
  "a number outside of the range can be counted back, if the range says so",
  "[counting]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  integer_range small{0, 255, true};
  REQUIRE(f.uut->set("n", "260"));
  CHECK(add(*f.uut, later, "n", 1, small).error() == errc::integer_overflow);
  CHECK(add(*f.uut, later, "n", -10, small) == 250);
  // More than 64 bits, and far more than any.
  REQUIRE(f.uut->set("n", "9223372036854775817"));
  CHECK(add(*f.uut, later, "n", -10, integer_range{0, limits::max(), true})
        == limits::max());
  REQUIRE(f.uut->set("n", std::string(100, '9')));
  CHECK(add(*f.uut, later, "n", -1, small).error() == errc::integer_overflow);
  CHECK(f.get("n") == std::string(100, '9'));
  // As Redis has it, there is no such number.
  REQUIRE(f.uut->set("n", "9223372036854775808"));
  CHECK(add(*f.uut, later, "n", -1).error() == errc::not_an_integer);
}

PROVIDER_CASE("text that is no integer is refused and stays",
              "[counting][G10]") {
  fixture f{kind};
  const auto later = GENERATE(false, true);
  const std::vector<std::string> texts{
    "",    "seven", "01", "-0",  "-01", "+1", " 1",  "1 ",    "1.0",
    "0x1", "1e3",   "-",  "--1", "1-",  "00", "1\n", "1_000", "\0"};
  for (const auto& text : texts) {
    INFO(text);
    REQUIRE(f.uut->set("n", text));
    const auto before = look_at(*f.uut, "n");
    for (auto outside : {false, true})
      CHECK(add(*f.uut, later, "n", 1,
                integer_range{limits::min(), limits::max(), outside})
              .error()
            == errc::not_an_integer);
    CHECK(look_at(*f.uut, "n") == before);
  }
  REQUIRE(f.uut->set("n", std::string{"1\0", 2}));
  CHECK(add(*f.uut, later, "n", 1).error() == errc::not_an_integer);
}

PROVIDER_CASE("a region whose values are no integers counts nothing",
              "[counting][G10]") {
  fixture f{kind, {}, 128, std::nullopt};
  REQUIRE(f.uut->set("n", "1"));
  CHECK(f.uut->increment("n").error() == errc::not_an_integer);
  CHECK(increment_async(*f.uut, "n").get().error() == errc::not_an_integer);
  CHECK(f.uut->increment("absent").error() == errc::not_an_integer);
  CHECK(f.get("n") == "1");
  CHECK(f.get("absent") == "<none>");
}

PROVIDER_CASE("an increment keeps TTL, idle time and tags", "[counting]") {
  fixture f{kind, {.ttl = 10h, .idle = 8h}};
  write_options how;
  how.ttl = 1h;
  how.idle = 30min;
  how.tags = {"red"};
  const auto written = f.during([&] { REQUIRE(f.uut->set("n", "1", how)); });
  REQUIRE(f.uut->increment("n") == 2);
  const auto kept = look_at(*f.uut, "n");
  CHECK(f.falls(kept->ttl_end, written, 1h));
  CHECK(kept->idle == 30min);
  REQUIRE(f.uut->invalidate_tag("red"));
  CHECK(f.get("n") == "<none>");
  // A new one gets what the region says.
  const auto made = f.during([&] { REQUIRE(f.uut->increment("n") == 1); });
  CHECK(look_at(*f.uut, "n")->idle == 8h);
  CHECK(f.ends("n", made, 8h));
}

PROVIDER_CASE("an increment finds no expired number", "[counting][expiry]") {
  fixture f{kind};
  REQUIRE(f.uut->set("n", "41", {.ttl = f.units(1)}));
  f.advance(f.units(1));
  CHECK(f.uut->increment("n") == 1);
  CHECK(f.uut->ttl("n") == no_expiry);
}

PROVIDER_CASE("parallel increments lose nothing", "[counting][G1]") {
  constexpr int rounds = 1'000;
  fixture f{kind};
  std::atomic<int> failed{0};
  crew(3, [&](int t) {
    std::int64_t last = 0;
    for (int i = 0; i < rounds; ++i) {
      const auto sum = t == 0 ? increment_async(*f.uut, "n", 1).get()
                              : f.uut->increment("n", 1);
      // One that comes later counts on.
      if (!sum || *sum <= last)
        ++failed;
      last = sum.value_or(last);
    }
  });
  CHECK(failed == 0);
  CHECK(f.get("n") == std::to_string(3 * rounds));
}
