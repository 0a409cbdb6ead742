// Passwords: AUTH, HELLO with AUTH, and what a client may do before.

#include <string>

#include "apps/server/fixture.hpp"
#include "apps/server/state/credentials.hpp"
#include "catch.hpp"

using troupe::server::credentials;

namespace {

const std::string ok = "+OK\r\n";
const std::string refused = "-NOAUTH Authentication required.\r\n";
const std::string wrong
  = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

struct guarded_fixture : command_fixture {
  guarded_fixture() {
    state.access.password("secret");
  }
};

} // namespace

TEST_CASE("only the whole password is right", "[server][authentication]") {
  credentials uut;
  CHECK(!uut.required());
  CHECK(uut.admits("default", "anything"));
  CHECK(!uut.admits("somebody", "anything"));
  uut.password("secret");
  CHECK(uut.required());
  CHECK(uut.admits("default", "secret"));
  CHECK(!uut.admits("somebody", "secret"));
  for (const std::string text :
       {"", "s", "secre", "secres", "Secret", "secrets", "secretsecret"})
    CHECK(!uut.admits("default", text));
  CHECK(!uut.admits("default", std::string_view{"secret\0", 7}));
  uut.password("");
  CHECK(!uut.required());
}

TEST_CASE("without the password nothing runs", "[server][authentication]") {
  guarded_fixture run;
  for (const auto* line : {"GET k", "SET k v", "PING", "SELECT 1", "CLIENT ID",
                           "CONFIG GET requirepass", "FLUSHALL", "MULTI",
                           "COMMAND", "INFO", "DBSIZE"})
    CHECK(run(line) == refused);
  CHECK(run("GET a\nGET b") == refused + refused);
  CHECK(run("foo").rfind("-ERR unknown command 'foo'", 0) == 0);
  CHECK(run("get").rfind("-ERR wrong number of arguments", 0) == 0);
  CHECK(run("RESET") == "+RESET\r\n");
  CHECK(run("AUTH wrong") == wrong);
  CHECK(run("AUTH default wrong") == wrong);
  CHECK(run("AUTH somebody secret") == wrong);
  CHECK(run("AUTH default secret x") == "-ERR syntax error\r\n");
  CHECK(run("PING") == refused);
  CHECK(run("QUIT") == ok);
}

TEST_CASE("AUTH lets a client in until RESET", "[server][authentication]") {
  guarded_fixture run;
  CHECK(run("AUTH secret\nPING") == ok + "+PONG\r\n");
  CHECK(run("AUTH wrong\nPING") == wrong + "+PONG\r\n");
  CHECK(run("CONFIG GET requirepass")
        == "*2\r\n" + bulk("requirepass") + bulk("secret"));
  CHECK(run("RESET\nPING") == "+RESET\r\n" + refused);
  CHECK(run("AUTH default secret\nPING") == ok + "+PONG\r\n");
}

TEST_CASE("HELLO asks for the password, too", "[server][authentication]") {
  guarded_fixture run;
  const std::string asked
    = "-NOAUTH HELLO must be called with the client already authenticated, ";
  CHECK(run("HELLO").rfind(asked, 0) == 0);
  CHECK(run("HELLO 3").rfind(asked, 0) == 0);
  CHECK(run("HELLO 3 SETNAME me").rfind(asked, 0) == 0);
  CHECK(run("HELLO 3 AUTH default wrong SETNAME me") == wrong);
  CHECK(run("HELLO 3 AUTH default secret").rfind("%7\r\n", 0) == 0);
  CHECK(run("CLIENT GETNAME") == "_\r\n");
  CHECK(run("HELLO 2").rfind("*14\r\n", 0) == 0);
}

TEST_CASE("AUTH without a password at the server", "[server][authentication]") {
  command_fixture run;
  CHECK(run("AUTH x").rfind("-ERR AUTH <password> called without any", 0) == 0);
  CHECK(run("AUTH default x") == ok);
  CHECK(run("AUTH somebody x") == wrong);
}
