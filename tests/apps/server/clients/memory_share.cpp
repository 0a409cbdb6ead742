#include "apps/server/clients/memory_share.hpp"

#include <optional>

#include "catch.hpp"

using namespace troupe::server;

TEST_CASE("the one that grows beyond the sum's limit is told",
          "[server][memory_share]") {
  std::atomic<std::size_t> sum{0};
  memory_share one;
  memory_share two;
  CHECK(one.count(sum, 60, 100));
  CHECK(two.count(sum, 40, 100));
  CHECK_FALSE(two.count(sum, 41, 100));
  CHECK(sum == 101);
  // Who holds less, or the same, is not to blame.
  CHECK(one.count(sum, 60, 100));
  CHECK(one.count(sum, 59, 99));
  CHECK(sum == 100);
  CHECK(one.count(sum, 1000, 0));
}

TEST_CASE("a share counts in one sum at a time, and no longer than it lives",
          "[server][memory_share]") {
  std::atomic<std::size_t> strangers{0};
  std::atomic<std::size_t> clients{0};
  {
    memory_share uut;
    CHECK(uut.count(strangers, 10, 100));
    CHECK(uut.count(clients, 20, 100));
    CHECK(strangers == 0);
    CHECK(clients == 20);
    CHECK(uut.bytes() == 20);
    uut.leave();
    CHECK(clients == 0);
    CHECK(uut.count(clients, 5, 100));
  }
  CHECK(clients == 0);
}
