#include <troupe/messages/types/options.hpp>

#include <chrono>
#include <cmath>

#include "catch.hpp"

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("options that make no sense are named", "[options]") {
  auto code = [](const region_options& x) {
    auto ok = check(x);
    return ok ? errc::none : ok.error().code();
  };
  CHECK(code({}) == errc::none);
  CHECK(code({.ttl = 0ms}) == errc::invalid_argument);
  CHECK(code({.jitter = -0.1}) == errc::invalid_argument);
  CHECK(code({.jitter = std::nan("")}) == errc::invalid_argument);
  CHECK(code({.shards = 3}) == errc::invalid_argument);
  CHECK(code({.shards = 512}) == errc::invalid_argument);
  CHECK(code({.load_timeout = 0ms}) == errc::invalid_argument);
  CHECK(code({.load_attempts = 0}) == errc::invalid_argument);
  CHECK(check(region_options{.shards = 3}).error().text().find("shards is 3")
        == 0);
}

TEST_CASE("idle times that make no sense are named", "[options]") {
  for (ttl_duration x : {0ms, -1ms, max_ttl + 1ms}) {
    auto refused = check(region_options{.idle = x});
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == errc::invalid_argument);
    CHECK(refused.error().text().find("idle is ") == 0);
  }
  CHECK(check(region_options{.idle = 1ms}));
  CHECK(check(region_options{.idle = no_expiry}));
}
