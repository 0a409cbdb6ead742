// CONFIG GET and SET.

#include <string>

#include "apps/server/fixture.hpp"
#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

const std::string ok = "+OK\r\n";

std::string refused(const std::string& name, const std::string& reason) {
  return "-ERR CONFIG SET failed (possibly related to argument '" + name
         + "') - " + reason + "\r\n";
}

} // namespace

TEST_CASE("CONFIG SET changes what a running server can change",
          "[server][settings]") {
  command_fixture run;
  CHECK(run("CONFIG SET timeout 5 MaxClients 100") == ok);
  CHECK(run.state.live.idle_timeout.load() == 5s);
  CHECK(run.state.live.max_connections == 100);
  CHECK(run("CONFIG GET timeout") == "*2\r\n" + bulk("timeout") + bulk("5"));
  CHECK(run("CONFIG GET maxclients")
        == "*2\r\n" + bulk("maxclients") + bulk("100"));
  CHECK(run("INFO clients").find("maxclients:100\r\n") != std::string::npos);
}

TEST_CASE("CONFIG SET changes everything or nothing", "[server][settings]") {
  command_fixture run;
  const std::string no_integer = "argument couldn't be parsed into an integer";
  CHECK(run("CONFIG SET timeout 5 maxclients x")
        == refused("maxclients", no_integer));
  CHECK(run("CONFIG SET timeout 5 port 1")
        == refused("port", "can't set immutable config"));
  CHECK(run("CONFIG SET timeout 5 nosuch 1").rfind("-ERR Unknown option", 0)
        == 0);
  CHECK(run("CONFIG SET timeout 5 TIMEOUT 6")
        == refused("TIMEOUT", "duplicate parameter"));
  CHECK(run("CONFIG SET timeout 5 maxclients") == "-ERR syntax error\r\n");
  CHECK(run("CONFIG SET timeout -1")
        == refused("timeout",
                   "argument must be between 0 and 2147483647 inclusive"));
  CHECK(run("CONFIG SET maxclients 0")
        == refused("maxclients",
                   "argument must be between 1 and 4294967295 inclusive"));
  CHECK(run("CONFIG SET maxclients 4294967295")
          .find("The operating system is not able to handle")
        != std::string::npos);
  CHECK(run.state.live.idle_timeout.load() == 0s);
}

TEST_CASE("CONFIG SET requirepass asks later clients for it",
          "[server][settings]") {
  command_fixture run;
  run.self.authenticated = true;
  CHECK(run("CONFIG SET requirepass secret\nPING") == ok + "+PONG\r\n");
  CHECK(run("RESET\nPING") == "+RESET\r\n-NOAUTH Authentication required.\r\n");
  CHECK(run("AUTH secret\nCONFIG SET requirepass ''\nRESET\nPING")
        == ok + ok + "+RESET\r\n+PONG\r\n");
  run.state.options.bind = "0.0.0.0";
  CHECK(run("CONFIG SET requirepass ''").rfind("-ERR CONFIG SET failed", 0)
        == 0);
}
