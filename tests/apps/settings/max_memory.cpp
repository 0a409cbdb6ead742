#include "apps/settings/max_memory.hpp"

#include "catch.hpp"

using namespace troupe;
using namespace troupe::settings;

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
  for (const auto* x :
       {"allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru",
        "volatile-lfu", "volatile-random", "volatile-ttl", "Allkeys-LRU"}) {
    CAPTURE(x);
    CHECK(policy_of(x));
    CHECK(substitute_note(x).find(policy_name(*policy_of(x)))
          != std::string::npos);
  }
  CHECK(substitute_note("allkeys-s3fifo").empty());
  CHECK(substitute_note("noeviction").empty());
}
