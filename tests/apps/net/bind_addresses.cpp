#include "apps/net/bind_addresses.hpp"

#include <string>

#include "catch.hpp"

using namespace troupe;
using namespace troupe::net;

namespace {

std::string normal(const std::string& text) {
  const auto all = parse_bind(text);
  return all ? text_of(*all) : "refused: " + all.error().text();
}

} // namespace

TEST_CASE("addresses stand between blanks or commas", "[server][bind]") {
  CHECK(normal("127.0.0.1") == "127.0.0.1");
  CHECK(normal(" 127.0.0.1  ::1 ") == "127.0.0.1 ::1");
  CHECK(normal("127.0.0.1,-::1") == "127.0.0.1 -::1");
  CHECK(normal("localhost, *,::*") == "127.0.0.1 0.0.0.0 ::");
  CHECK(normal("::1 -::1 0:0:0:0:0:0:0:1") == "::1");
}

TEST_CASE("what is no address is refused and named", "[server][bind]") {
  CHECK(normal("127.0.0.1 nowhere").find("'nowhere' is not an IP address")
        != std::string::npos);
  for (const auto* text : {"", " ", ",", "-", "--::1", "127.0.0.1:6380"})
    CHECK(normal(text).starts_with("refused: "));
}

TEST_CASE("one address that others reach needs a password", "[server][bind]") {
  CHECK(is_loopback("127.0.0.1 ::1 -127.0.0.2"));
  CHECK_FALSE(is_loopback("127.0.0.1 192.0.2.1"));
  CHECK_FALSE(is_loopback("nowhere"));
  CHECK(check_bind("127.0.0.1 ::1", false));
  CHECK(check_bind("127.0.0.1 *", false).error() == errc::invalid_argument);
  CHECK(check_bind("127.0.0.1 *", true));
}
