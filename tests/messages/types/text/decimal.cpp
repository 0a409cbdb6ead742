#include <troupe/messages/types/text/decimal.hpp>

#include <limits>
#include <string>
#include <string_view>

#include "catch.hpp"

using namespace troupe;

TEST_CASE("decimals are read and written as Redis does") {
  for (const auto* text :
       {"", " 1", "1 ", "a", "1x", "nan", "1e9999", "1e-5000"})
    CHECK(!parse_decimal(text));
  CHECK(!parse_decimal(std::string(5 * 1024, '1')));
  CHECK(!parse_decimal(std::string_view("1\0", 2)));
  CHECK(parse_decimal("0x10") == 16.0L);
  CHECK(parse_decimal("-.5e1") == -5.0L);
  CHECK(format_decimal(3.0L) == "3");
  CHECK(format_decimal(-0.0L) == "0");
  CHECK(format_decimal(0.1L) == "0.1");
  CHECK(format_decimal(-1200.25L) == "-1200.25");
  CHECK(format_decimal(1e-20L) == "0");
  CHECK(format_decimal(std::numeric_limits<long double>::max()).size() == 4933);
}
