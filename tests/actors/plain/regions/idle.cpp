// What memory counts of entries that expire when nothing reads them.

#include <troupe/actors/regions/region.hpp>

#include <string>

#include "actors/plain/fixture.hpp"

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr ttl_duration idle = 64s;
constexpr ttl_duration spare = 1s; // A 64th of it.

region_options idling() {
  region_options result;
  result.idle = idle;
  return result;
}

} // namespace

TEST_CASE("a region tells how many of its entries expire, and when, as they "
          "slide",
          "[region][idle]") {
  region_fixture f{idling()};
  for (int i = 0; i < 10; ++i)
    REQUIRE(f.uut->set(std::to_string(i), "x"));
  REQUIRE(f.uut->set("for good", "x", {.idle = no_expiry}));
  CHECK(f.uut->stats().expiring == 10);
  // To within a tenth of a second.
  auto mean = [&] { return f.uut->stats().mean_ttl; };
  CHECK(mean() > idle - 100ms);
  CHECK(mean() < idle + 100ms);
  f.time.advance(60s);
  for (int i = 0; i < 10; ++i)
    CHECK(f.get(std::to_string(i)) == "x");
  CHECK(mean() > idle + spare - 100ms);
  CHECK(mean() < idle + spare + 100ms);
  f.time.advance(idle + spare + 100ms);
  f.uut->tick();
  CHECK(f.uut->stats().keys == 1);
  CHECK(f.uut->stats().expiring == 0);
  CHECK(f.uut->stats().expirations == 10);
}
