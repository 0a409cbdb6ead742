#include <troupe/messages/types/options.hpp>

#include <chrono>
#include <cmath>
#include <string>

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

TEST_CASE("options of stale values that make no sense are named", "[options]") {
  const auto text = [](const auto& x) {
    const auto ok = check(x);
    if (ok)
      return std::string{};
    CHECK(ok.error() == errc::invalid_argument);
    return ok.error().text();
  };
  for (ttl_duration x : {ttl_duration{-1}, max_ttl + 1ms, no_expiry}) {
    CHECK(text(region_options{.fail_safe = x}).find("fail_safe is ") == 0);
    CHECK(text(region_options{.stale_while_revalidate = x})
            .find("stale_while_revalidate is ")
          == 0);
    CHECK(text(region_options{.fail_safe_throttle = x})
            .find("fail_safe_throttle is ")
          == 0);
    CHECK(text(region_options{.absence_ttl = x}).find("absence_ttl is ") == 0);
    CHECK(text(write_options{.stale_for = x}).find("stale_for is ") == 0);
    CHECK_FALSE(valid(write_options{.stale_for = x}));
  }
  CHECK(text(region_options{.absence_ttl = 0ms})
        == "absence_ttl is 0 ms; allowed: 1 ms to 100 years");
  CHECK(text(region_options{.fail_safe = -5ms})
        == "fail_safe is -5 ms; allowed: 0 (off) to 100 years");
  CHECK(text(region_options{.fail_safe_throttle = 0ms}) != "");
  for (double x : {-0.1, 1.0, std::nan("")})
    CHECK(text(region_options{.refresh_ahead = x}).find("refresh_ahead is ")
          == 0);
  CHECK(text(region_options{.fail_safe = 1h,
                            .fail_safe_throttle = 1ms,
                            .stale_while_revalidate = max_ttl,
                            .refresh_ahead = 0.8,
                            .absence_ttl = 1s})
        == "");
  CHECK(valid(write_options{.stale_for = 0ms}));
  CHECK(valid(write_options{.stale_for = max_ttl}));
}
