// Publishing and subscribing in process; pubsub_e2e.py compares with Redis.

#include <memory>
#include <string>

#include "apps/server/fixture.hpp"
#include "catch.hpp"

namespace {

std::string confirmed(const std::string& how, const std::string& name,
                      int count) {
  return "*3\r\n" + bulk(how) + bulk(name) + ":" + std::to_string(count)
         + "\r\n";
}

std::string message(const std::string& channel, const std::string& payload) {
  return "*3\r\n" + bulk("message") + bulk(channel) + bulk(payload);
}

std::string refused(const std::string& name) {
  return "-ERR Can't execute '" + name
         + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
           "are allowed in this context\r\n";
}

struct pubsub_fixture : command_fixture {
  pubsub_fixture() {
    make_client(other, 8, state);
  }

  std::string others(const std::string& line) {
    return send(other, line + "\n");
  }

  troupe::server::client other;
};

} // namespace

TEST_CASE("a message stands before the replies that follow it",
          "[server][pubsub]") {
  pubsub_fixture run;
  CHECK(run("SUBSCRIBE a b a")
        == confirmed("subscribe", "a", 1) + confirmed("subscribe", "b", 2)
             + confirmed("subscribe", "a", 2));
  CHECK(run.others("PUBLISH a 1") == ":1\r\n");
  CHECK(run.others("PUBLISH c 1") == ":0\r\n");
  CHECK(run("PING") == message("a", "1") + "*2\r\n" + bulk("pong") + bulk(""));
  CHECK(run("PING x") == "*2\r\n" + bulk("pong") + bulk("x"));
}

TEST_CASE("what was heard is read before the subscription ends",
          "[server][pubsub]") {
  pubsub_fixture run;
  run("SUBSCRIBE a b");
  run.others("PUBLISH a 1");
  CHECK(run("UNSUBSCRIBE a c")
        == message("a", "1") + confirmed("unsubscribe", "a", 1)
             + confirmed("unsubscribe", "c", 1));
  run.others("PUBLISH b 2");
  CHECK(run("RESET") == message("b", "2") + "+RESET\r\n");
  CHECK(run.others("PUBLISH b 3") == ":0\r\n");
  CHECK(run("UNSUBSCRIBE") == "*3\r\n" + bulk("unsubscribe") + "$-1\r\n:0\r\n");
}

TEST_CASE("a subscriber in RESP2 may do little else", "[server][pubsub]") {
  pubsub_fixture run;
  run("SSUBSCRIBE a");
  CHECK(run("GET k") == refused("get"));
  CHECK(run("CLIENT ID") == refused("client|id"));
  CHECK(run("MULTI") == refused("multi"));
  CHECK(run("GET").starts_with("-ERR wrong number of arguments"));
  CHECK(run("PUBLISH a 1") == refused("publish"));
  CHECK(run("SUNSUBSCRIBE") == confirmed("sunsubscribe", "a", 0));
  CHECK(run("GET k") == "$-1\r\n");
}

TEST_CASE("a subscriber in RESP3 may do everything", "[server][pubsub]") {
  pubsub_fixture run;
  run("HELLO 3");
  CHECK(run("SUBSCRIBE a")
        == ">3\r\n" + bulk("subscribe") + bulk("a") + ":1\r\n");
  CHECK(run("PUBLISH a 1")
        == ">3\r\n" + bulk("message") + bulk("a") + bulk("1") + ":1\r\n");
  CHECK(run("PING") == "+PONG\r\n");
  run("MULTI");
  run("PUBLISH a 2");
  run("GET k");
  CHECK(run("EXEC") == "*2\r\n:1\r\n_\r\n");
  CHECK(run("PING")
        == ">3\r\n" + bulk("message") + bulk("a") + bulk("2") + "+PONG\r\n");
}

TEST_CASE("patterns know upper and lower case", "[server][pubsub]") {
  pubsub_fixture run;
  run("PSUBSCRIBE N*");
  CHECK(run.others("PUBLISH news 1") == ":0\r\n");
  CHECK(run.others("PUBLISH News 1") == ":1\r\n");
  CHECK(run("PING x").starts_with("*4\r\n" + bulk("pmessage") + bulk("N*")
                                  + bulk("News") + bulk("1")));
}

TEST_CASE("PUBSUB shows the topics", "[server][pubsub]") {
  pubsub_fixture run;
  run("SUBSCRIBE a b");
  run("PSUBSCRIBE p* q*");
  run("SSUBSCRIBE s");
  CHECK(run.others("PUBSUB CHANNELS a*") == "*1\r\n" + bulk("a"));
  CHECK(run.others("PUBSUB CHANNELS").starts_with("*2\r\n"));
  CHECK(run.others("PUBSUB NUMSUB a x")
        == "*4\r\n" + bulk("a") + ":1\r\n" + bulk("x") + ":0\r\n");
  CHECK(run.others("PUBSUB NUMPAT") == ":2\r\n");
  CHECK(run.others("PUBSUB SHARDCHANNELS") == "*1\r\n" + bulk("s"));
  CHECK(run.others("PUBSUB SHARDNUMSUB s") == "*2\r\n" + bulk("s") + ":1\r\n");
  const auto info = run.others("INFO stats");
  CHECK(info.find("\r\npubsub_channels:2\r\n") != std::string::npos);
  CHECK(info.find("\r\npubsub_patterns:2\r\n") != std::string::npos);
  CHECK(info.find("\r\npubsubshard_channels:1\r\n") != std::string::npos);
}

TEST_CASE("more messages than are sent at once are read in order",
          "[server][pubsub]") {
  pubsub_fixture run;
  run("SUBSCRIBE a");
  std::string expected;
  const std::string filler(10'000, 'x');
  for (int i = 0; i < 100; ++i) {
    const auto payload = std::to_string(i) + filler;
    CHECK(run.others("PUBLISH a " + payload) == ":1\r\n");
    expected += message("a", payload);
  }
  CHECK((run("UNSUBSCRIBE") == expected + confirmed("unsubscribe", "a", 0)));
}

TEST_CASE("a client that ends has left its topics", "[server][pubsub]") {
  pubsub_fixture run;
  {
    troupe::server::client brief;
    make_client(brief, 9, run.state);
    run.send(brief, "SUBSCRIBE a\nPSUBSCRIBE *\n");
    CHECK(run.others("PUBLISH a 1") == ":2\r\n");
  }
  CHECK(run.others("PUBLISH a 1") == ":0\r\n");
}
