// Commands that compare with the present value: SET IFEQ and DELIFEQ.

#include <string>

#include "apps/server/fixture.hpp"
#include "catch.hpp"

using namespace troupe::server;

namespace {

const std::string stored = "+OK\r\n";

} // namespace

TEST_CASE("SET IFEQ stores only over an equal value", "[server][compare]") {
  command_fixture run;
  CHECK(run("SET k b IFEQ a") == "$-1\r\n");
  CHECK(run("EXISTS k") == ":0\r\n");
  run("SET k a");
  CHECK(run("SET k b IFEQ x") == "$-1\r\n");
  CHECK(run("SET k b ifeq a") == stored);
  CHECK(run("GET k") == "$1\r\nb\r\n");
  CHECK(run("SET k c IFEQ b GET EX 10") == "$1\r\nb\r\n");
  CHECK(run("TTL k") == ":10\r\n");
  CHECK(run("SET k d GET IFEQ b") == "$1\r\nc\r\n");
  CHECK(run("GET k") == "$1\r\nc\r\n");
  CHECK(run("SET k d KEEPTTL IFEQ c") == stored);
  CHECK(run("TTL k") == ":10\r\n");
  CHECK(run("SET k e PX 1500 IFEQ d") == stored);
  CHECK(run("PTTL k") == ":1500\r\n");
  CHECK(run("SET k f IFEQ e") == stored);
  CHECK(run("TTL k") == ":-1\r\n");
  CHECK(run("SET n v IFEQ v GET") == "$-1\r\n");
  // A word that looks like an option is a value behind IFEQ.
  run("SET k NX");
  CHECK(run("SET k XX IFEQ NX") == stored);
  CHECK(run("GET k") == "$2\r\nXX\r\n");
}

TEST_CASE("SET IFEQ excludes NX and XX", "[server][compare]") {
  command_fixture run;
  run("SET k a");
  for (const auto* how :
       {"IFEQ", "IFEQ a NX", "NX IFEQ a", "XX IFEQ a", "IFEQ a XX",
        "IFEQ a IFEQ a", "IFEQ a EX 1 KEEPTTL"}) {
    INFO(how);
    CHECK(run("SET k b " + std::string{how}) == "-ERR syntax error\r\n");
  }
  CHECK(run("GETEX k IFEQ a") == "-ERR syntax error\r\n");
  CHECK(run("GET k") == "$1\r\na\r\n");
}

TEST_CASE("DELIFEQ deletes only an equal value", "[server][compare]") {
  command_fixture run;
  CHECK(run("DELIFEQ k a") == ":0\r\n");
  run("SET k a");
  CHECK(run("DELIFEQ k b") == ":0\r\n");
  CHECK(run("DELIFEQ k a") == ":1\r\n");
  CHECK(run("EXISTS k") == ":0\r\n");
  const std::string large(1 << 20, 'x');
  run.run({"SET", "k", large});
  CHECK(run.run({"DELIFEQ", "k", large.substr(1)}) == ":0\r\n");
  CHECK(run.run({"SET", "k", "small", "IFEQ", large}) == stored);
  CHECK(run("DELIFEQ k small") == ":1\r\n");
}

TEST_CASE("the compare commands work within EXEC", "[server][compare]") {
  command_fixture run;
  CHECK(run("MULTI\nSET k a\nSET k b IFEQ a\nDELIFEQ k a\nSET k c IFEQ "
            "a\nDELIFEQ k b\nSET k d\nEXEC")
        == stored + "+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"
             + "+QUEUED\r\n*6\r\n" + stored + stored + ":0\r\n$-1\r\n:1\r\n"
             + stored);
  CHECK(run("GET k") == "$1\r\nd\r\n");
  CHECK(run("COMMAND INFO delifeq").find("$7\r\ndelifeq\r\n:3\r\n")
        != std::string::npos);
  CHECK(run("COMMAND INFO getl").find("+@blocking\r\n") != std::string::npos);
  CHECK(run("COMMAND DOCS setl").find("summary") != std::string::npos);
}
