#include "catch.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/types/options.hpp>

#include "apps/console/text/units.hpp"

using namespace troupe::console;
using namespace std::chrono_literals;

TEST_CASE("sizes have three digits or so and a binary unit") {
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(1023) == "1023 B");
  CHECK(bytes_text(1024) == "1.0 KiB");
  CHECK(bytes_text(1024 * 1024 * 6 / 5) == "1.2 MiB");
  CHECK(bytes_text(99 * 1024 + 1000) == "100 KiB");
  CHECK(bytes_text(1023 * 1024) == "1023 KiB");
  CHECK(bytes_text(1024 * 1024 - 1) == "1.0 MiB");
  CHECK(bytes_text(345ULL << 30U) == "345 GiB");
  CHECK(bytes_text(UINT64_MAX) == "16.0 EiB");
}

TEST_CASE("counts have separators") {
  CHECK(count_text(0) == "0");
  CHECK(count_text(999) == "999");
  CHECK(count_text(1000) == "1,000");
  CHECK(count_text(1234567) == "1,234,567");
  CHECK(count_text(UINT64_MAX) == "18,446,744,073,709,551,615");
}

TEST_CASE("times are exact below a minute and short above") {
  CHECK(duration_text(0ms) == "0ms");
  CHECK(duration_text(999ms) == "999ms");
  CHECK(duration_text(1s) == "1s");
  CHECK(duration_text(1500ms) == "1.5s");
  CHECK(duration_text(59'999ms) == "59.999s");
  CHECK(duration_text(10'010ms) == "10.01s");
  CHECK(duration_text(60s) == "1m");
  CHECK(duration_text(3min + 12s + 900ms) == "3m12s");
  CHECK(duration_text(2h + 59s) == "2h");
  CHECK(duration_text(26h) == "1d2h");
  CHECK(duration_text(-250ms) == "-250ms");
  CHECK(duration_text(-90s) == "-1m30s");
}

TEST_CASE("times are read in all units") {
  CHECK(*parse_duration("0") == 0ms);
  CHECK(*parse_duration("90") == 90s);
  CHECK(*parse_duration("1.5") == 1500ms);
  CHECK(*parse_duration("250ms") == 250ms);
  CHECK(*parse_duration("1.5s") == 1500ms);
  CHECK(*parse_duration("5m") == 5min);
  CHECK(*parse_duration("5min") == 5min);
  CHECK(*parse_duration("2h") == 2h);
  CHECK(*parse_duration("1d") == 24h);
  CHECK(*parse_duration("1h30m") == 90min);
  CHECK(*parse_duration("36500d") == troupe::max_ttl);
}

TEST_CASE("what is no time is refused") {
  for (const auto* x :
       {"", "s", "x", "-1s", "-0", "1x", "1 s", "1s ", "1e3", "inf", "nan",
        "1h30", "36501d", "99999999999999999999999d", "0x10", "1,5s", "ms"}) {
    CAPTURE(x);
    auto result = parse_duration(x);
    REQUIRE_FALSE(result);
    CHECK(result.error() == troupe::errc::invalid_argument);
    CHECK(result.error().text().find("write 500ms") != std::string::npos);
  }
}
