// Keys that expire when nobody comes (--idle), and the commands about time.

#include <string>

#include "apps/server/fixture.hpp"
#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

const std::string ok = "+OK\r\n";
const std::string one = ":1\r\n";
const std::string zero = ":0\r\n";

troupe::region_options idling() {
  troupe::region_options result;
  result.idle = 64s;
  return result;
}

// Whether a command is a use of the key: its 30 seconds left become 64 or, with
// what may come on top, 65.
bool uses(std::string_view command) {
  command_fixture run{idling()};
  CHECK(run("SET k 1") == ok);
  run.time.advance(34s);
  run(command);
  const auto left = run("TTL k");
  if (left == ":30\r\n")
    return false;
  CHECK((left == ":64\r\n" || left == ":65\r\n"));
  return true;
}

} // namespace

TEST_CASE("keys go when nobody uses them", "[server][commands][idle]") {
  command_fixture run{idling()};
  CHECK(run("SET k 1") == ok);
  CHECK(run("SET other 1") == ok);
  run.time.advance(60s);
  CHECK(run("GET k") == bulk("1"));
  run.time.advance(60s);
  CHECK(run("EXISTS k other") == one);
  run.time.advance(5s);
  CHECK(run("EXISTS k other") == zero);
}

TEST_CASE("commands that read or write the value use a key",
          "[server][commands][idle]") {
  for (const auto* command :
       {"GET k", "MGET k", "STRLEN k", "GETRANGE k 0 1", "TOUCH k", "SET k 2",
        "GETSET k 2", "INCR k", "APPEND k 2", "SET k 2 KEEPTTL", "GETEX k",
        "PERSIST k"})
    CHECK(uses(command));
  for (const auto* command :
       {"EXISTS k", "TYPE k", "TTL k", "PTTL k", "EXPIRETIME k", "KEYS *",
        "SCAN 0", "RANDOMKEY", "WATCH k", "SETNX k 2", "SET k 2 NX"})
    CHECK(!uses(command));
}

TEST_CASE("EXPIRE and PERSIST are about the TTL, not the idle time",
          "[server][commands][idle]") {
  command_fixture run{idling()};
  CHECK(run("SET k 1") == ok);
  CHECK(run("PERSIST k") == zero);
  CHECK(run("EXPIRE k 1000 XX") == zero);
  CHECK(run("EXPIRE k 1000 NX") == one);
  CHECK(run("TTL k") == ":64\r\n");
  CHECK(run("EXPIRE k 2000 LT") == zero);
  CHECK(run("EXPIRE k 2000 GT") == one);
  CHECK(run("EXPIRE k 10") == one);
  CHECK(run("TTL k") == ":10\r\n");
  CHECK(run("PERSIST k") == one);
  CHECK(run("PERSIST k") == zero);
  CHECK(run("TTL k") == ":64\r\n");
}

TEST_CASE("RENAME and COPY take the idle time along",
          "[server][commands][idle]") {
  command_fixture run{idling()};
  CHECK(run("SET k 1 EX 200") == ok);
  run.time.advance(34s);
  CHECK(run("COPY k copy") == one);
  CHECK(run("RENAME k name") == ok);
  for (const auto* key : {"copy", "name"}) {
    CHECK(run(std::string{"TTL "} + key) == ":64\r\n");
    CHECK(run(std::string{"PERSIST "} + key) == one);
  }
}

TEST_CASE("a read does not disturb who watches a key",
          "[server][commands][idle]") {
  command_fixture run{idling()};
  CHECK(run("SET k 1") == ok);
  CHECK(run("WATCH k") == ok);
  run.time.advance(34s);
  CHECK(run("GET k") == bulk("1"));
  CHECK(run("MULTI") == ok);
  CHECK(run("GET k") == "+QUEUED\r\n");
  CHECK(run("EXEC") == "*1\r\n" + bulk("1"));
}
