// SELECT and the sixteen key spaces behind it.

#include "apps/server/state/databases.hpp"

#include <string>

#include "apps/server/fixture.hpp"
#include "catch.hpp"

using troupe::server::databases;

namespace {

const std::string ok = "+OK\r\n";
const std::string none = "$-1\r\n";

std::size_t opened(const databases& all) {
  std::size_t result = 0;
  all.for_each([&result](std::size_t, troupe::region&) { ++result; });
  return result;
}

} // namespace

TEST_CASE("each database has keys of its own", "[server][databases]") {
  command_fixture run;
  CHECK(run("SET k 0") == ok);
  CHECK(run("SELECT 1") == ok);
  CHECK(run("GET k") == none);
  CHECK(run("SET k 1\nSET l 1") == ok + ok);
  CHECK(run("DBSIZE") == ":2\r\n");
  CHECK(run("SELECT 0") == ok);
  CHECK(run("GET k") == bulk("0"));
  CHECK(run("DBSIZE") == ":1\r\n");
  CHECK(run("SELECT 15\nGET k") == ok + none);
}

TEST_CASE("SELECT without success stays where it was", "[server][databases]") {
  command_fixture run;
  CHECK(run("SELECT 1\nSET k 1") == ok + ok);
  for (const auto* index : {"16", "-1", "9223372036854775807"})
    CHECK(run(std::string{"SELECT "} + index)
          == "-ERR DB index is out of range\r\n");
  CHECK(run("SELECT x") == "-ERR value is not an integer or out of range\r\n");
  CHECK(run("GET k") == bulk("1"));
}

TEST_CASE("a database is opened when it is selected", "[server][databases]") {
  command_fixture run;
  CHECK(opened(run.state.databases) == 1);
  CHECK(run("SELECT 3\nSELECT 3\nSELECT 0") == ok + ok + ok);
  CHECK(opened(run.state.databases) == 2);
  CHECK(run.state.databases.find(3) != nullptr);
  CHECK(run.state.databases.find(2) == nullptr);
}

TEST_CASE("a database that cannot be opened is an error",
          "[server][databases]") {
  command_fixture run;
  databases uut;
  const auto open = [&run](std::size_t index) {
    return index == 0
             ? troupe::expected<std::shared_ptr<troupe::region>>{run.uut}
             : troupe::fail(troupe::errc::out_of_memory);
  };
  REQUIRE(uut.start(2, open));
  CHECK(uut.open(0) == run.uut.get());
  const auto refused = uut.open(1);
  REQUIRE(!refused);
  CHECK(refused.error() == troupe::errc::out_of_memory);
  CHECK(uut.find(1) == nullptr);
}

TEST_CASE("FLUSHDB empties one database, FLUSHALL all of them",
          "[server][databases]") {
  command_fixture run;
  CHECK(run("SET k 0\nSELECT 1\nSET k 1\nSELECT 2\nSET k 2")
        == ok + ok + ok + ok + ok);
  CHECK(run("FLUSHDB\nDBSIZE\nSELECT 1\nDBSIZE")
        == ok + ":0\r\n" + ok + ":1\r\n");
  CHECK(run("SELECT 2\nFLUSHALL\nSELECT 0\nDBSIZE\nSELECT 1\nDBSIZE")
        == ok + ok + ok + ":0\r\n" + ok + ":0\r\n");
}

TEST_CASE("INFO shows the databases that hold keys", "[server][databases]") {
  command_fixture run;
  CHECK(run("INFO keyspace") == bulk("# Keyspace\r\n"));
  CHECK(run("SELECT 2\nSET k 2\nSET l 2\nSELECT 7") == ok + ok + ok + ok);
  const auto text = run("INFO keyspace");
  CHECK(text.find("\r\ndb2:keys=2,") != std::string::npos);
  CHECK(text.find("db0") == std::string::npos);
  CHECK(text.find("db7") == std::string::npos);
}

TEST_CASE("RESET goes back to database 0", "[server][databases]") {
  command_fixture run;
  CHECK(run("SET k 0\nSELECT 1\nRESET\nGET k")
        == ok + ok + "+RESET\r\n" + bulk("0"));
}

TEST_CASE("SELECT within a transaction counts for what follows it",
          "[server][databases]") {
  command_fixture run;
  const std::string queued = "+QUEUED\r\n";
  CHECK(run("MULTI\nSET k 0\nSELECT 1\nSET k 1\nMSET a 1 b 1\nSELECT 99\nEXEC")
        == ok + queued + queued + queued + queued + queued + "*5\r\n" + ok + ok
             + ok + ok + "-ERR DB index is out of range\r\n");
  CHECK(run("GET k\nDBSIZE") == bulk("1") + ":3\r\n");
  CHECK(run("SELECT 0\nGET k\nDBSIZE") == ok + bulk("0") + ":1\r\n");
}
