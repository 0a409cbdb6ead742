#include <troupe/messages/types/text/memory_size.hpp>

#include "catch.hpp"

using namespace troupe;

TEST_CASE("sizes of memory are read as Redis reads them") {
  CHECK(parse_memory_size("0") == 0);
  CHECK(parse_memory_size("1234") == 1234);
  CHECK(parse_memory_size("10b") == 10);
  CHECK(parse_memory_size("10k") == 10'000);
  CHECK(parse_memory_size("10kb") == 10'240);
  CHECK(parse_memory_size("2MB") == 2 * 1024 * 1024);
  CHECK(parse_memory_size("3m") == 3'000'000);
  CHECK(parse_memory_size("1Gb") == 1024UL * 1024 * 1024);
  CHECK(parse_memory_size("17179869183gb") == 17179869183UL << 30);
  for (auto* bad : {"", "mb", "-1", "1.5mb", "1 mb", "1tb", "1mbb", "0x10",
                    "17179869184gb", "99999999999999999999"})
    CHECK(!parse_memory_size(bad));
}
