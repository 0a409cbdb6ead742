// Decimal integers as values.

#include <troupe/backends/memory/store/store.hpp>

#include <cstdint>
#include <limits>
#include <string>

#include "catch.hpp"
#include "store_fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

using fixture = store_fixture;

TEST_CASE("increment keeps within the range it is given", "[store]") {
  fixture f;
  constexpr integer_range byte{0, 255, true};
  CHECK(f.uut.increment(f.key("n"), 250, byte) == 250);
  CHECK(f.uut.increment(f.key("n"), 5, byte) == 255);
  CHECK(f.uut.increment(f.key("n"), 1, byte).error() == errc::integer_overflow);
  CHECK(f.get("n") == "255");
  CHECK(f.uut.increment(f.key("n"), -256, byte).error()
        == errc::integer_overflow);
  CHECK(f.uut.increment(f.key("n"), -255, byte) == 0);
  CHECK(f.uut.increment(f.key("none"), -1, byte).error()
        == errc::integer_overflow);
  CHECK(f.get("none") == "<none>");
  // A number that others left outside of the range is a number all the same.
  f.set("n", "300");
  CHECK(f.uut.increment(f.key("n"), -44, byte).error()
        == errc::integer_overflow);
  CHECK(f.get("n") == "300");
  CHECK(f.uut.increment(f.key("n"), -45, byte) == 255);
  f.set("n", "-7");
  CHECK(f.uut.increment(f.key("n"), 8, byte) == 1);
}

TEST_CASE("increment counts unsigned integers of 64 bits", "[store]") {
  fixture f;
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  constexpr integer_range all{0, most, true};
  auto add = [&](std::int64_t delta) -> expected<std::uint64_t> {
    return f.uut.increment(f.key("n"), delta, all).map([](std::int64_t x) {
      return static_cast<std::uint64_t>(x);
    });
  };
  f.set("n", "9223372036854775807");
  CHECK(add(1) == std::uint64_t{1} << 63);
  CHECK(f.get("n") == "9223372036854775808");
  f.set("n", "18446744073709551614");
  CHECK(add(1) == most);
  CHECK(f.get("n") == "18446744073709551615");
  CHECK(add(1).error() == errc::integer_overflow);
  CHECK(add(std::numeric_limits<std::int64_t>::min())
        == (std::uint64_t{1} << 63) - 1);
  // Beyond 64 bits, as far as one can write.
  f.set("n", "18446744073709551616");
  CHECK(add(-1) == most);
  for (const auto& huge : {std::string(40, '9'), "-" + std::string(60'000, '1'),
                           std::string{"-18446744073709551616"}}) {
    f.set("n", huge);
    CHECK(add(-1).error() == errc::integer_overflow);
    CHECK(add(1).error() == errc::integer_overflow);
    CHECK(f.get("n") == huge);
  }
  for (const auto* text :
       {"", "-", "01", "-0", "1x", "99999999999999999999x"}) {
    f.set("n", text);
    CHECK(add(1).error() == errc::not_an_integer);
  }
  // To text, what is outside of std::int64_t is no number.
  f.set("n", "9223372036854775808");
  CHECK(f.uut.increment(f.key("n"), -1).error() == errc::not_an_integer);
}

TEST_CASE("increment adds, keeps the deadline and refuses what is no integer",
          "[store]") {
  fixture f{1s};
  CHECK(f.uut.increment(f.key("n"), 5) == 5);
  f.time.advance(600ms);
  CHECK(f.uut.increment(f.key("n"), -7) == -2);
  CHECK(f.get("n") == "-2");
  f.time.advance(400ms); // The deadline of the first increment.
  CHECK(f.get("n") == "<none>");
  for (auto* bad : {"", "x", "1x", " 1", "1 ", "+1", "1.5", "01", "-0",
                    "9223372036854775808"}) {
    f.set("n", bad);
    auto before = f.version("n");
    auto outcome = f.uut.increment(f.key("n"), 1);
    REQUIRE(!outcome);
    CHECK(outcome.error() == errc::not_an_integer);
    CHECK(f.get("n") == bad);
    CHECK(f.version("n") == before);
  }
  f.set("n", std::to_string(std::numeric_limits<std::int64_t>::max()));
  CHECK(f.uut.increment(f.key("n"), 1).error() == errc::integer_overflow);
  CHECK(f.uut.increment(f.key("n"), -1)
        == std::numeric_limits<std::int64_t>::max() - 1);
  f.set("n", std::to_string(std::numeric_limits<std::int64_t>::min()));
  CHECK(f.uut.increment(f.key("n"), -1).error() == errc::integer_overflow);
}
