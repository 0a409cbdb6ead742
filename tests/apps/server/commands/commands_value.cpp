// The commands that look into values, change them in one step, or walk over
// keys. Their replies beside those of Redis: conformance.py.

#include <algorithm>
#include <set>
#include <string>

#include "apps/server/fixture.hpp"
#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

const std::string ok = "+OK\r\n";
const std::string none = "$-1\r\n";
const std::string one = ":1\r\n";
const std::string zero = ":0\r\n";

} // namespace

TEST_CASE("what gets and changes keeps the deadline or not, as Redis does",
          "[server][commands]") {
  command_fixture run;
  CHECK(run("SET k 1 EX 10") == ok);
  CHECK(run("APPEND k 2") == ":2\r\n");
  CHECK(run("SETRANGE k 1 3") == ":2\r\n");
  CHECK(run("INCRBYFLOAT k 0.5") == bulk("13.5"));
  CHECK(run("TTL k") == ":10\r\n");
  CHECK(run("GETSET k v") == bulk("13.5"));
  CHECK(run("TTL k") == ":-1\r\n");
  CHECK(run("GETEX k EX 10") == bulk("v"));
  CHECK(run("TTL k") == ":10\r\n");
  CHECK(run("GETEX k") == bulk("v"));
  CHECK(run("TTL k") == ":10\r\n");
  CHECK(run("GETEX k PERSIST") == bulk("v"));
  CHECK(run("TTL k") == ":-1\r\n");
  CHECK(run("GETEX k EXAT 1") == bulk("v"));
  CHECK(run("EXISTS k") == zero);
  CHECK(run("GETDEL k") == none);
  CHECK(run("SET k v") == ok);
  CHECK(run("GETDEL k") == bulk("v"));
  CHECK(run("DBSIZE") == zero);
}

TEST_CASE("APPEND and SETRANGE at the end leave a large value where it is",
          "[server][commands][large]") {
  command_fixture run;
  const std::string text(5'000'000, 'x');
  const auto place = [&run] {
    const char* result = nullptr;
    static_cast<void>(run.uut->visit(
      "k", [&](const troupe::entry_view& x) { result = x.value.data(); }));
    return result;
  };
  REQUIRE(run.run({"SET", "k", text, "EX", "10"}) == ok);
  const auto* before = place();
  CHECK(run("APPEND k 12345") == ":5000005\r\n");
  CHECK(run("SETRANGE k 5000005 678") == ":5000008\r\n");
  CHECK(run("SETRANGE k 5000010 9") == ":5000011\r\n");
  CHECK(place() == before);
  CHECK(run("EXPIRE k 20") == one);
  CHECK(place() == before);
  CHECK(run("GETRANGE k 4999999 -1")
        == bulk("x12345678" + std::string(2, '\0') + "9"));
  CHECK(run("TTL k") == ":20\r\n");
  CHECK(run("SETRANGE k 1 y") == ":5000011\r\n");
  CHECK(run("GETRANGE k 0 2") == bulk("xyx"));
  CHECK(run("GETRANGE k 4999999 5000000") == bulk("x1"));
}

TEST_CASE("an expired value is not there for what reads and changes",
          "[server][commands]") {
  command_fixture run;
  for (const auto* line : {"APPEND k 1", "SETRANGE k 0 1", "INCRBYFLOAT k 1"}) {
    CHECK(run("SET k 5 PX 10") == ok);
    run.time.advance(10ms);
    CHECK(run(line) != none);
    CHECK(run("GET k") == bulk("1"));
    CHECK(run("TTL k") == ":-1\r\n");
    CHECK(run("DEL k") == one);
  }
  CHECK(run("SET k 5 PX 10") == ok);
  run.time.advance(10ms);
  for (const auto* line : {"GETDEL k", "GETEX k PERSIST", "SET k v XX GET"})
    CHECK(run(line) == none);
  CHECK(run("PERSIST k") == zero);
  CHECK(run("TOUCH k") == zero);
  CHECK(run("EXPIRETIME k") == ":-2\r\n");
}

TEST_CASE("a moment comes out as it went in", "[server][commands]") {
  command_fixture run;
  for (const auto* moment :
       {"4000000000123", "4000000000999", "3999999999000"}) {
    const auto expected = ":" + std::string{moment} + "\r\n";
    run.time.advance(123'456'789ns);
    CHECK(run(std::string{"SET k v PXAT "} + moment) == ok);
    CHECK(run("PEXPIRETIME k") == expected);
    CHECK(run("PERSIST k") == one);
    CHECK(run(std::string{"PEXPIREAT k "} + moment) == one);
    CHECK(run("PEXPIRETIME k") == expected);
    CHECK(run(std::string{"PEXPIREAT k "} + moment + " GT") == zero);
    CHECK(run(std::string{"PEXPIREAT k "} + moment + " LT") == zero);
    CHECK(run(std::string{"GETEX k PXAT "} + moment) == bulk("v"));
    CHECK(run("PEXPIRETIME k") == expected);
  }
}

TEST_CASE("values do not grow beyond the limit", "[server][commands]") {
  troupe::region_options options;
  options.max_value_size = 16;
  command_fixture run{options};
  const std::string too_long
    = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
  CHECK(run("SET k 0123456789abcdef") == ok);
  CHECK(run("APPEND k x") == too_long);
  CHECK(run("SETRANGE k 16 x") == too_long);
  CHECK(run("SETRANGE k 9223372036854775807 x") == too_long);
  CHECK(run("SETRANGE k 15 x") == ":16\r\n");
  CHECK(run("APPEND k ''") == ":16\r\n");
  CHECK(run("GET k") == bulk("0123456789abcdex"));
  CHECK(run("SET n 1") == ok);
  CHECK(run("INCRBYFLOAT n 1e15").rfind("-ERR", 0) != 0);
  CHECK(run("INCRBYFLOAT n 1e16").rfind("-ERR value is too large", 0) == 0);
  CHECK(run("GET n") == bulk("1000000000000001"));
}

TEST_CASE("SCAN and KEYS find all keys that match", "[server][commands]") {
  command_fixture run;
  CHECK(run("SCAN 0") == "*2\r\n" + bulk("0") + "*0\r\n");
  CHECK(run("KEYS *") == "*0\r\n");
  for (int i = 0; i < 1'000; ++i)
    REQUIRE(run("SET key:" + std::to_string(i) + " v") == ok);
  CHECK(run("SET other v") == ok);
  std::string cursor = "0";
  std::set<std::string> found;
  int calls = 0;
  do {
    const auto reply = run("SCAN " + cursor + " MATCH key:*");
    const auto begin = reply.find("\r\n", 4) + 2;
    cursor = reply.substr(begin, reply.find("\r\n", begin) - begin);
    for (auto at = reply.find("key:"); at != std::string::npos;
         at = reply.find("key:", at + 1))
      found.insert(reply.substr(at, reply.find('\r', at) - at));
    CHECK(reply.find("other") == std::string::npos);
    ++calls;
  } while (cursor != "0" && calls < 1'000);
  CHECK(cursor == "0");
  CHECK(found.size() == 1'000);
  CHECK(calls > 20);
  CHECK(run("KEYS key:99?").rfind("*10\r\n", 0) == 0);
  CHECK(run("KEYS other") == "*1\r\n" + bulk("other"));
  CHECK(run("SCAN 18446744073709551615") == "*2\r\n" + bulk("0") + "*0\r\n");
}

TEST_CASE("SCAN ends its call before the reply gets too large, KEYS cannot",
          "[server][commands]") {
  command_fixture run;
  run.state.options.max_reply = 100'000;
  for (int i = 0; i < 2'000; ++i)
    REQUIRE(run("SET " + std::string(100, 'k') + std::to_string(i) + " v")
            == ok);
  const auto reply = run("SCAN 0 COUNT 1000000");
  CHECK(reply[0] == '*');
  CHECK(reply.size() > 40'000);
  CHECK(reply.size() < 100'000);
  CHECK(run("KEYS *").rfind("-ERR the reply is larger than 100000", 0) == 0);
  CHECK(run("KEYS *7").rfind("*200\r\n", 0) == 0);
}

TEST_CASE("commands in one step stop with their region", "[server][commands]") {
  command_fixture run;
  CHECK(run("SET k v") == ok);
  run.uut->stop();
  for (const auto* line :
       {"GETSET k w", "GETDEL k", "GETEX k PERSIST", "APPEND k w",
        "SETRANGE k 0 w", "INCRBYFLOAT k 1", "EXPIRE k 10", "PERSIST k",
        "SET k w GET", "SET k w EXAT 4000000000"})
    CHECK(run(line) == "-ERR server is shutting down\r\n");
}
