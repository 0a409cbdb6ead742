#include "apps/settings/output_limits.hpp"

#include <string>

#include "catch.hpp"

using namespace troupe::settings;

TEST_CASE("limits of output are read and written as Redis does") {
  output_limits limits{};
  CHECK(text_of(limits) == "normal 0 0 0 slave 0 0 0 pubsub 0 0 0");
  CHECK(read_limits("pubsub 32mb 8m 60", limits).empty());
  CHECK(text_of(limits)
        == "normal 0 0 0 slave 0 0 0 pubsub 33554432 8000000 60");
  CHECK(read_limits("REPLICA 1kb 1k 1  Normal 1gb 1b 0", limits).empty());
  CHECK(text_of(limits)
        == "normal 1073741824 1 0 slave 1024 1000 1 pubsub 33554432 8000000 "
           "60");
}

TEST_CASE("limits of output that make no sense change nothing") {
  output_limits limits{};
  const auto before = text_of(limits);
  CHECK(read_limits("", limits).empty());
  for (const auto* text : {"pubsub", "pubsub 1 2", "pubsub 1 2 3 normal"})
    CHECK(read_limits(text, limits)
          == "Wrong number of arguments in buffer limit configuration.");
  CHECK(read_limits("normal 1 1 1 foo 1 2 3", limits)
        == "Invalid client class specified in buffer limit configuration.");
  for (const auto* text :
       {"pubsub x 1 1", "pubsub 1 -1 1", "pubsub 1 1 -1", "pubsub 1 1 x",
        "pubsub 1tb 1 1", "pubsub 99999999999999999999 1 1",
        "pubsub 18446744073709551615gb 1 1", "pubsub 1 1 2147483648"})
    CHECK(read_limits(text, limits)
          == "Error in hard, soft or soft_seconds setting in buffer limit "
             "configuration.");
  CHECK(text_of(limits) == before);
}
