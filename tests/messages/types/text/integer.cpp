#include <troupe/messages/types/text/integer.hpp>

#include "catch.hpp"

using namespace troupe;

TEST_CASE("only Redis's spelling of an integer is one") {
  CHECK(parse_integer("0") == 0);
  CHECK(parse_integer("-1") == -1);
  CHECK(parse_integer("9223372036854775807") == INT64_MAX);
  CHECK(parse_integer("-9223372036854775808") == INT64_MIN);
  for (const auto* text :
       {"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1.0", "0x1", "--1",
        "9223372036854775808", "-9223372036854775809"})
    CHECK(!parse_integer(text));
}
