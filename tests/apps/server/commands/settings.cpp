// CONFIG GET and SET.

#include <string>
#include <thread>
#include <vector>

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

TEST_CASE("the files of TLS are shown, and set only where TLS is spoken",
          "[server][settings][tls]") {
  command_fixture run;
  run.state.options.tls.cert_file = "c.crt";
  CHECK(run("CONFIG GET tls-cert-file")
        == "*2\r\n" + bulk("tls-cert-file") + bulk("c.crt"));
  CHECK(run("CONFIG GET tls-port") == "*2\r\n" + bulk("tls-port") + bulk("0"));
  CHECK(run("CONFIG GET tls-auth-clients")
        == "*2\r\n" + bulk("tls-auth-clients") + bulk("yes"));
  CHECK(run("CONFIG GET tls-key-file-pass") == "*0\r\n");
  CHECK(run("CONFIG SET timeout 5 tls-key-file k")
        == refused("tls-key-file",
                   "TLS is off; start the server with --tls-port=N"));
  CHECK(run("CONFIG SET tls-port 1")
        == refused("tls-port", "can't set immutable config"));
  CHECK(run.state.live.idle_timeout.load() == 0s);
}

TEST_CASE("certificates of all clients may stand in for a password",
          "[server][settings][tls]") {
  command_fixture run;
  run.state.options.bind = "0.0.0.0";
  run.state.options.tls.port = 1;
  CHECK(run("CONFIG SET requirepass ''").rfind("-ERR CONFIG SET failed", 0)
        == 0);
  run.state.options.plain = false;
  CHECK(run("CONFIG SET requirepass ''") == ok);
  run.state.options.tls.auth_clients
    = troupe::net::client_certificates::optional;
  CHECK(run("CONFIG SET requirepass ''").rfind("-ERR CONFIG SET failed", 0)
        == 0);
}

TEST_CASE("namespaces are shown and their limits changed",
          "[server][settings][namespaces]") {
  troupe::region_options options;
  options.namespaces
    = {{"a:", 1 << 20, 0, std::nullopt, 1},
       {"b=c:", 1 << 20, 0, troupe::eviction_policy::clock, 1}};
  command_fixture run{options};
  const auto present = [&run](const std::string& text) {
    return run("CONFIG GET namespaces")
           == "*2\r\n" + bulk("namespaces") + bulk(text);
  };
  CHECK(present("a:=1048576 b=c:=1048576,allkeys-clock"));
  CHECK(run("CONFIG SET namespaces b=c:=2mb") == ok);
  CHECK(present("a:=1048576 b=c:=2097152,allkeys-clock"));
  CHECK(run("CONFIG SET namespaces a:=64kb,noeviction") == ok);
  CHECK(present("a:=65536,noeviction b=c:=2097152,allkeys-clock"));
  CHECK(run("CONFIG SET namespaces x:=64kb")
        == refused("namespaces",
                   "x:: there is no such namespace; they are declared when the "
                   "server starts, by --namespaces"));
  // All of it or nothing, other settings included.
  CHECK(run("CONFIG SET timeout 5 namespaces a:=0")
        == refused("namespaces", "a:=0: the limit must be a size above 0 "
                                 "(examples: 100mb, 2gb)"));
  CHECK(run("CONFIG SET namespaces a:=1").find("1024") != std::string::npos);
  CHECK(present("a:=65536,noeviction b=c:=2097152,allkeys-clock"));
  CHECK(run.state.live.idle_timeout.load() == 0s);
  CHECK(run("SET a:1 x") == ok);
  CHECK(run("SET other x") == ok);
  const auto info = run("INFO");
  CHECK(info.find("# Namespaces\r\nnamespace_0:keys=1,limited_memory=")
        != std::string::npos);
  CHECK(info.find(",maxmemory=65536,maxmemory_policy=noeviction,evicted_keys=0,"
                  "expired_keys=0,shards=1,prefix=a:\r\n")
        != std::string::npos);
  CHECK(info.find(",prefix=b=c:\r\n") != std::string::npos);
}

TEST_CASE("a server without namespaces says so",
          "[server][settings][namespaces]") {
  command_fixture run;
  CHECK(run("CONFIG GET namespaces")
        == "*2\r\n" + bulk("namespaces") + bulk(""));
  CHECK(run("CONFIG SET namespaces a:=1mb").find("no such namespace")
        != std::string::npos);
  CHECK(run("INFO").find("# Namespaces") == std::string::npos);
}

TEST_CASE("INFO lists the ports, that without TLS first", "[server][info]") {
  command_fixture run;
  auto& options = run.state.options;
  options.port = 7;
  const auto has = [&run](const std::string& line) {
    return run("INFO server").find("\r\n" + line + "\r\n") != std::string::npos;
  };
  CHECK(has("tcp_port:7"));
  CHECK(has("listener0:name=tcp,bind=127.0.0.1,port=7"));
  options.tls.port = 8;
  CHECK(has("tcp_port:7"));
  CHECK(has("listener1:name=tls,bind=127.0.0.1,port=8"));
  options.plain = false;
  CHECK(has("tcp_port:8"));
  CHECK(has("listener0:name=tls,bind=127.0.0.1,port=8"));
}

TEST_CASE("a policy that a database refuses is taken over by none",
          "[server][settings]") {
  using troupe::eviction_policy;
  command_fixture run;
  REQUIRE(run("SELECT 1\nSELECT 0") == ok + ok);
  const auto before = run.state.live.eviction.load();
  REQUIRE(before != eviction_policy::none);
  // Database 1 is closed, as in a drain.
  run.state.databases[1].stop();
  CHECK(
    run("CONFIG SET maxmemory-policy noeviction").find("-ERR CONFIG SET failed")
    == 0);
  CHECK(run.state.live.eviction == before);
  CHECK(run.uut->eviction() == before);
}

TEST_CASE("settings are changed by one client at a time, and not beside a new "
          "database",
          "[server][settings]") {
  command_fixture run;
  {
    const auto kept = run.state.databases.keep_as_they_are();
    REQUIRE(kept);
    std::string replies;
    // Refused in the end: it may be what the other waits for.
    std::thread{[&] {
      replies = run("CONFIG SET timeout 5\nSELECT 5");
    }}.join();
    CHECK(replies
          == refused("timeout", "other settings are being changed; try again")
               + "-TRYAGAIN the server is overloaded: settings are being "
                 "changed; try again\r\n");
    CHECK(run.state.live.idle_timeout.load() == 0s);
    CHECK(run.state.databases.find(5) == nullptr);
  }
  CHECK(run("CONFIG SET timeout 5\nSELECT 5") == ok + ok);
}

TEST_CASE("CONFIG RESETSTAT counts for namespaces, too",
          "[server][settings][namespaces]") {
  troupe::region_options options;
  options.namespaces = {{"a:", 1 << 20, 0, std::nullopt, 1}};
  command_fixture run{options};
  CHECK(run("SET a:1 x PX 5\nSET b x PX 5") == ok + ok);
  run.time.advance(1s);
  run.uut->tick();
  const auto has = [&run](const std::string& text) {
    return run("INFO namespaces").find(text) != std::string::npos;
  };
  CHECK(has(",evicted_keys=0,expired_keys=1,"));
  CHECK(run("CONFIG RESETSTAT") == ok);
  CHECK(has(",evicted_keys=0,expired_keys=0,"));
}

TEST_CASE("a policy of Redis's that another stands for is told for namespaces",
          "[server][settings][namespaces]") {
  troupe::region_options options;
  options.namespaces = {{"a:", 1 << 20, 0, std::nullopt, 1}};
  command_fixture run{options};
  std::vector<std::string> lines;
  run.state.options.report = [&](const std::string& x) { lines.push_back(x); };
  CHECK(run("CONFIG SET namespaces a:=64kb,allkeys-clock") == ok);
  CHECK(lines.empty());
  CHECK(run("CONFIG SET namespaces a:=64kb,volatile-ttl") == ok);
  REQUIRE(lines.size() == 1);
  CHECK(
    lines[0].find("namespaces: a:: volatile-ttl is one of Redis's policies; "
                  "here allkeys-s3fifo stands for it")
    == 0);
}
