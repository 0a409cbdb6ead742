#include "apps/server/state/live_settings.hpp"

#include "catch.hpp"

using namespace std::chrono_literals;
using troupe::server::subscriber_limits_of;

TEST_CASE("there is a limit even without a hard one") {
  const auto found = subscriber_limits_of({0, 5, 7}, 9);
  CHECK(found.bytes == std::size_t{1} << 40);
  CHECK(found.soft_bytes == 5);
  CHECK(found.soft_time == 7s);
  CHECK(found.messages == 9);
}
