#include <troupe/messages/types/text/memory_size.hpp>

#include "apps/settings/max_memory.hpp"

#include "catch.hpp"

using namespace troupe;
using namespace troupe::server;

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

TEST_CASE("every policy has a name that finds it") {
  for (auto x : {eviction_policy::s3_fifo, eviction_policy::clock,
                 eviction_policy::none}) {
    CHECK(policy_of(policy_name(x)) == x);
    CHECK(eviction_policy_from(to_string(x)) == x);
    CHECK(policy_names().find(policy_name(x)) != std::string::npos);
  }
  CHECK(policy_of("ALLKEYS-CLOCK") == eviction_policy::clock);
  CHECK(!policy_of("allkeys-fifo"));
  CHECK(!eviction_policy_from("lru"));
}

TEST_CASE("Redis's policies stand for the nearest of ours") {
  for (const auto* x : {"allkeys-lru", "allkeys-lfu", "allkeys-random",
                        "volatile-lru", "volatile-lfu", "volatile-random",
                        "volatile-ttl", "Allkeys-LRU"}) {
    CAPTURE(x);
    CHECK(policy_of(x));
    CHECK(substitute_note(x).find(policy_name(*policy_of(x)))
          != std::string::npos);
  }
  CHECK(substitute_note("allkeys-s3fifo").empty());
  CHECK(substitute_note("noeviction").empty());
}
