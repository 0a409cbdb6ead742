#include <troupe/messages/types/settings/value_kind.hpp>

#include <limits>
#include <string>

#include "catch.hpp"

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using troupe::settings::most_number;
using troupe::settings::value;
using troupe::settings::value_kind;

namespace {

template <class T>
T read(const value_kind& kind, std::string_view text) {
  const auto result = kind.read(text);
  INFO(text);
  REQUIRE(result);
  return std::get<T>(*result);
}

std::string refusal(const value_kind& kind, std::string_view text) {
  const auto result = kind.read(text);
  INFO(text);
  REQUIRE(!result);
  CHECK(result.error() == troupe::errc::invalid_argument);
  return result.error().text();
}

} // namespace

TEST_CASE("sizes read with units and as bytes", "[settings]") {
  const auto kind = value_kind::size(0, most_number);
  CHECK(read<std::int64_t>(kind, "0") == 0);
  CHECK(read<std::int64_t>(kind, "33554432") == 32 << 20);
  CHECK(read<std::int64_t>(kind, "64kb") == 64 << 10);
  CHECK(read<std::int64_t>(kind, "100mb") == 100 << 20);
  CHECK(read<std::int64_t>(kind, "1GB") == 1 << 30);
  CHECK(read<std::int64_t>(kind, "1k") == 1000);
  for (const auto* text : {"", "x", "-1", "1.5mb", "1 mb", "1tb",
                           "9223372036854775808", "18446744073709551616"})
    CHECK(refusal(kind, text) == "argument must be a memory value");
  CHECK(kind.write(value{std::int64_t{64 << 20}}) == "64mb");
  CHECK(kind.write(value{std::int64_t{1001}}) == "1001");
  CHECK(kind.write_plain(value{std::int64_t{64 << 20}}) == "67108864");
}

TEST_CASE("a size out of range says the range", "[settings]") {
  const auto kind = value_kind::size(64 << 10, 2 << 20).or_zero();
  CHECK(read<std::int64_t>(kind, "0") == 0);
  CHECK(read<std::int64_t>(kind, "64kb") == 64 << 10);
  for (const auto* text : {"1", "65535", "2097153", "3mb"})
    CHECK(kind.refusal(text).find("allowed: 0, or 64kb to 2mb")
          != std::string::npos);
}

TEST_CASE("times read with units, and alone as seconds", "[settings]") {
  const auto kind = value_kind::time(0ms);
  CHECK(read<milliseconds>(kind, "250ms") == 250ms);
  CHECK(read<milliseconds>(kind, "30s") == 30s);
  CHECK(read<milliseconds>(kind, "5m") == 5min);
  CHECK(read<milliseconds>(kind, "5min") == 5min);
  CHECK(read<milliseconds>(kind, "1h") == 1h);
  CHECK(read<milliseconds>(kind, "2d") == 48h);
  CHECK(read<milliseconds>(kind, "10") == 10s);
  for (const auto* text : {"", "x", "-1s", "1us", "36501d"})
    CHECK(kind.refusal(text).find("500ms, 30s, 5m, 2h, 1d")
          != std::string::npos);
  for (const auto& [time, text] : {std::pair{milliseconds{0}, "0s"},
                                   std::pair{milliseconds{1500}, "1500ms"},
                                   std::pair{milliseconds{90s}, "90s"},
                                   std::pair{milliseconds{48h}, "2d"}}) {
    CHECK(kind.write(value{time}) == text);
    CHECK(read<milliseconds>(kind, text) == time);
  }
}

TEST_CASE("whole seconds are a number for Redis", "[settings]") {
  const auto kind = value_kind::seconds(0s, 2'147'483'647s);
  CHECK(read<milliseconds>(kind, "300") == 300s);
  CHECK(read<milliseconds>(kind, "5m") == 300s);
  CHECK(kind.write_plain(value{milliseconds{300s}}) == "300");
  CHECK(kind.write(value{milliseconds{300s}}) == "5m");
  CHECK(refusal(kind, "x") == "argument couldn't be parsed into an integer");
  for (const auto* text : {"-1", "2147483648", "9223372036854775807"})
    CHECK(refusal(kind, text)
          == "argument must be between 0 and 2147483647 inclusive");
  CHECK(refusal(kind, "500ms").find("whole seconds") != std::string::npos);
}

TEST_CASE("numbers of 2^63 and more are out of range", "[settings]") {
  const auto kind = value_kind::number(1, 1024);
  CHECK(read<std::int64_t>(kind, "1024") == 1024);
  for (const auto* text : {"0", "1025", "-1", "9223372036854775808",
                           "18446744073709551616", "99999999999999999999999"})
    CHECK(refusal(kind, text)
          == "argument must be between 1 and 1024 inclusive");
  for (const auto* text : {"", "x", "1x", " 1", "1.5", "+1", "0x10"})
    CHECK(refusal(kind, text) == "argument couldn't be parsed into an integer");
  CHECK(kind.refusal("x") == "allowed: 1 to 1024");
}

TEST_CASE("flags, words, fractions and octal numbers", "[settings]") {
  const auto flag = value_kind::flag();
  for (const auto* text : {"yes", "true", "on", "YES"})
    CHECK(read<bool>(flag, text));
  for (const auto* text : {"no", "false", "off"})
    CHECK_FALSE(read<bool>(flag, text));
  CHECK(refusal(flag, "1") == "argument must be 'yes' or 'no'");
  const auto word = value_kind::word({"yes", "no", "optional"});
  CHECK(read<std::string>(word, "Optional") == "optional");
  CHECK(word.refusal("maybe") == "allowed: yes, no, optional");
  const auto part = value_kind::fraction();
  CHECK(read<double>(part, "0.25") == 0.25);
  for (const auto* text : {"1", "-0.1", "nan", "inf", "1e999", "x"})
    CHECK(part.refusal(text) == "allowed: 0 to below 1");
  const auto mode = value_kind::octal(0777);
  CHECK(read<std::int64_t>(mode, "770") == 0770);
  CHECK(mode.write(value{std::int64_t{0770}}) == "770");
  CHECK(mode.refusal("1000") == "allowed: 0 to 777, octal");
  CHECK(mode.refusal("8") == "allowed: 0 to 777, octal");
}

TEST_CASE("a condition of its own has words of its own", "[settings]") {
  const auto even = value_kind::number(0, 10).checked(
    "an even number up to 10", [](const value& x) -> std::string {
      return std::get<std::int64_t>(x) % 2 == 0 ? "" : "it is odd";
    });
  CHECK(read<std::int64_t>(even, "4") == 4);
  CHECK(refusal(even, "5") == "it is odd");
  CHECK(even.refusal("5") == "it is odd");
  CHECK(even.refusal("x") == "allowed: an even number up to 10");
}
