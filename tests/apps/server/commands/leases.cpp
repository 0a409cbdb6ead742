// Leases of missing keys (GETL, SETL, DROPL) and tags (TAGDEL), without sockets.

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "apps/server/fixture.hpp"
#include "apps/server/leases/lease_desk.hpp"
#include "apps/server/state/client_registry.hpp"
#include "catch.hpp"
#include "progress.hpp"

using namespace troupe::server;
using namespace std::chrono_literals;

namespace {

const std::string ok = "+OK\r\n";
const std::string refused = "$-1\r\n";
const std::string busy = "*2\r\n$4\r\nbusy\r\n$-1\r\n";
const std::string waits = "";

std::string value_reply(const std::string& x) {
  return "*2\r\n$5\r\nvalue\r\n$" + std::to_string(x.size()) + "\r\n" + x
         + "\r\n";
}

// The token in a reply that grants a lease.
std::string token_in(const std::string& reply) {
  const std::string head = "*2\r\n$5\r\nlease\r\n$48\r\n";
  INFO(reply);
  REQUIRE(reply.substr(0, head.size()) == head);
  REQUIRE(reply.size() == head.size() + 50);
  return reply.substr(head.size(), 48);
}

// Clients on the thread of the test.
struct lease_fixture : command_fixture {
  explicit lease_fixture(const lease_limits& most = {},
                         const troupe::region_options& options = {})
    : command_fixture(options) {
    state.leases = std::make_shared<lease_desk>(most);
  }

  // A client, made at its first use.
  client& at(std::size_t number) {
    while (clients.size() <= number) {
      auto& made = clients.emplace_back();
      make_client(made, 100 + clients.size(), state);
      made.record = std::make_shared<client_record>();
      made.record->id = made.id;
      state.clients.add(made.record);
    }
    return clients[number];
  }

  // The reply to a command of a client, or "" when it waits.
  std::string by(std::size_t number, const std::string& line) {
    return send(at(number), line + "\n");
  }

  // The reply that the client has waited for; "" when there is none yet.
  std::string reply(std::size_t number) {
    auto& from = at(number);
    if (!from.unfinished || from.unfinished->waits())
      return "";
    troupe::net::byte_buffer out;
    troupe::resp::reply_writer to{out, state.options.max_reply};
    to.protocol(from.protocol);
    REQUIRE(continue_unfinished(from, to));
    return std::string{out.view()};
  }

  // As a connection that closes.
  void close(std::size_t number) {
    at(number).unfinished.reset();
    at(number).leases.reset();
  }

  void pass(std::chrono::milliseconds x) {
    time.advance(x);
    state.leases->tick();
  }

  // Nothing is left of any lease.
  bool idle() const {
    const auto now = state.leases->figures();
    return state.leases->idle() && now.held == 0 && now.waiting == 0;
  }

  std::deque<client> clients;
};

} // namespace

TEST_CASE("GETL replies a present value at once", "[server][leases]") {
  lease_fixture run;
  run.by(0, "SET k v");
  CHECK(run.by(0, "GETL k 0") == value_reply("v"));
  CHECK(run.by(0, "GETL k 1000 50") == value_reply("v"));
  CHECK(run.idle());
}

TEST_CASE("of the clients that miss a key, one loads and the others get the "
          "value",
          "[server][leases]") {
  lease_fixture run;
  const auto token = token_in(run.by(0, "GETL k 1000"));
  CHECK(run.by(1, "GETL k 1000") == waits);
  CHECK(run.by(2, "GETL k 1000") == waits);
  CHECK(run.by(3, "GETL k 0") == busy);
  CHECK(run.state.leases->figures().held == 1);
  CHECK(run.state.leases->figures().waiting == 2);
  CHECK(run.by(0, "SETL k " + token + " v") == ok);
  CHECK(run.reply(1) == value_reply("v"));
  CHECK(run.reply(2) == value_reply("v"));
  CHECK(run.by(3, "GET k") == "$1\r\nv\r\n");
  CHECK(run.idle());
}

TEST_CASE("a lease's reply is an array in RESP3, too", "[server][leases]") {
  lease_fixture run;
  run.by(0, "HELLO 3");
  run.by(1, "HELLO 3");
  const auto token = token_in(run.by(0, "GETL k 0"));
  CHECK(run.by(1, "GETL k 0") == "*2\r\n$4\r\nbusy\r\n_\r\n");
  CHECK(run.by(1, "SETL k x v") == "_\r\n");
  CHECK(run.by(0, "SETL k " + token + " v") == ok);
  CHECK(run.by(1, "GETL k 0") == value_reply("v"));
}

TEST_CASE("clients inherit a lease in the order in which they asked",
          "[server][leases]") {
  lease_fixture run;
  const auto first = token_in(run.by(0, "GETL k 1000"));
  for (std::size_t i = 1; i < 5; ++i)
    REQUIRE(run.by(i, "GETL k 1000") == waits);
  CHECK(run.by(0, "DROPL k " + first) == ":1\r\n");
  CHECK(run.by(0, "DROPL k " + first) == ":0\r\n");
  const auto second = token_in(run.reply(1));
  CHECK(second != first);
  CHECK(run.reply(2) == waits);
  // One that no longer waits is passed over.
  run.close(2);
  CHECK(run.by(1, "DROPL k " + second) == ":1\r\n");
  const auto third = token_in(run.reply(3));
  CHECK(run.by(0, "SETL k " + first + " old") == refused);
  CHECK(run.by(3, "SETL k " + third + " v") == ok);
  CHECK(run.reply(4) == value_reply("v"));
  CHECK(run.idle());
}

TEST_CASE("a lease that is dropped with no one waiting leaves nothing",
          "[server][leases]") {
  lease_fixture run;
  const auto token = token_in(run.by(0, "GETL k 1000"));
  CHECK(run.by(1, "DROPL k " + token) == ":1\r\n");
  CHECK(run.idle());
  CHECK(run.by(0, "SETL k " + token + " v") == refused);
  token_in(run.by(1, "GETL k 0"));
}

TEST_CASE("a lease ends with its time", "[server][leases]") {
  lease_fixture run;
  const auto token = token_in(run.by(0, "GETL k 0 1000"));
  REQUIRE(run.by(1, "GETL k 5000 2000") == waits);
  run.pass(999ms);
  CHECK(run.reply(1) == waits);
  SECTION("the next client inherits it") {
    run.pass(1ms);
    const auto next = token_in(run.reply(1));
    CHECK(run.by(0, "SETL k " + token + " old") == refused);
    run.time.advance(1999ms);
    CHECK(run.by(1, "SETL k " + next + " v") == ok);
  }
  SECTION("exactly, before the desk's tick") {
    run.time.advance(1ms);
    CHECK(run.by(0, "SETL k " + token + " old") == refused);
    CHECK(run.by(0, "DROPL k " + token) == ":0\r\n");
    // The one that waits is first, also when another one asks.
    CHECK(run.by(2, "GETL k 0") == busy);
    token_in(run.reply(1));
  }
  SECTION("a client that asks then gets the lease without a tick") {
    run.close(1);
    run.time.advance(1ms);
    token_in(run.by(2, "GETL k 0"));
  }
}

TEST_CASE("any change of the key voids the lease", "[server][leases]") {
  lease_fixture run;
  const auto token = token_in(run.by(0, "GETL k 1000"));
  REQUIRE(run.by(1, "GETL k 1000") == waits);
  SECTION("SET: those that wait get that value") {
    run.by(2, "SET k new");
    CHECK(run.reply(1) == value_reply("new"));
    CHECK(run.by(0, "SETL k " + token + " old") == refused);
    CHECK(run.by(0, "GET k") == "$3\r\nnew\r\n");
    CHECK(run.idle());
  }
  SECTION("SET within EXEC") {
    CHECK(run.by(2, "MULTI\nSET k a\nSET k new\nEXEC")
          == ok + "+QUEUED\r\n+QUEUED\r\n*2\r\n" + ok + ok);
    CHECK(run.reply(1) == value_reply("new"));
    CHECK(run.by(0, "SETL k " + token + " old") == refused);
  }
  SECTION("INCR, APPEND and RENAME") {
    run.by(2, "SET other 5\nRENAME other k");
    CHECK(run.reply(1) == value_reply("5"));
    CHECK(run.by(0, "SETL k " + token + " old") == refused);
  }
  SECTION("DEL: the next client inherits it") {
    CHECK(run.by(2, "DEL k") == ":0\r\n");
    const auto next = token_in(run.reply(1));
    CHECK(run.by(0, "SETL k " + token + " old") == refused);
    CHECK(run.by(1, "SETL k " + next + " v") == ok);
  }
  SECTION("FLUSHDB") {
    CHECK(run.by(2, "FLUSHDB") == ok);
    const auto next = token_in(run.reply(1));
    CHECK(run.by(0, "SETL k " + token + " old") == refused);
    CHECK(run.by(1, "SETL k " + next + " v") == ok);
  }
  SECTION("FLUSHALL within EXEC") {
    run.by(2, "MULTI\nFLUSHALL\nEXEC");
    token_in(run.reply(1));
    CHECK(run.by(0, "SETL k " + token + " old") == refused);
  }
}

TEST_CASE("a tag that was invalidated since GETL refuses the value",
          "[server][leases]") {
  lease_fixture run;
  const auto token = token_in(run.by(0, "GETL k 1000"));
  REQUIRE(run.by(1, "GETL k 1000") == waits);
  CHECK(run.by(2, "TAGDEL user:1") == ":1\r\n");
  SECTION("with that tag") {
    CHECK(run.by(0, "SETL k " + token + " v TAGS 2 all user:1") == refused);
    const auto next = token_in(run.reply(1));
    CHECK(run.by(1, "SETL k " + next + " v TAGS 1 user:1") == ok);
    CHECK(run.by(0, "GETL k 0") == value_reply("v"));
  }
  SECTION("not without it") {
    CHECK(run.by(0, "SETL k " + token + " v TAGS 1 user:2") == ok);
    CHECK(run.reply(1) == value_reply("v"));
  }
}

TEST_CASE("TAGDEL removes the values with a tag, in its database",
          "[server][leases]") {
  lease_fixture run;
  for (const auto* words : {"a V TAGS 1 t", "b V TAGS 2 u t", "c V TAGS 1 u"}) {
    const std::string text{words};
    const auto key = text.substr(0, 1);
    const auto token = token_in(run.by(0, "GETL " + key + " 0"));
    CHECK(run.by(0, "SETL " + key + " " + token + text.substr(1)) == ok);
  }
  CHECK(run.by(0, "SELECT 1\nTAGDEL t u\nSELECT 0") == ok + ":2\r\n" + ok);
  CHECK(run.by(0, "EXISTS a b c") == ":3\r\n");
  CHECK(run.by(0, "TAGDEL t none") == ":2\r\n");
  CHECK(run.by(0, "EXISTS a b c") == ":1\r\n");
  CHECK(run.by(0, "TAGDEL u") == ":1\r\n");
  CHECK(run.by(0, "EXISTS c") == ":0\r\n");
  CHECK(run.run({"TAGDEL", "x", std::string(64 * 1024 + 1, 't')})
        == "-ERR a tag has up to 65536 bytes\r\n");
  CHECK(run.by(0, "MULTI\nTAGDEL t\nDISCARD")
        == ok + "-ERR Command not allowed inside a transaction\r\n" + ok);
}

TEST_CASE("SETL sets the TTL", "[server][leases]") {
  lease_fixture run;
  for (const auto* how : {"PX 1500 TAGS 1 t", "TAGS 1 t px 1500"}) {
    const auto token = token_in(run.by(0, "GETL k 0"));
    CHECK(run.by(0, "SETL k " + token + " v " + how) == ok);
    CHECK(run.by(0, "PTTL k") == ":1500\r\n");
    run.by(0, "TAGDEL t");
  }
  const auto token = token_in(run.by(0, "GETL k 0"));
  CHECK(run.by(0, "SETL k " + token + " v EX 7") == ok);
  CHECK(run.by(0, "PTTL k") == ":7000\r\n");
  run.time.advance(7s);
  token_in(run.by(0, "GETL k 0"));
}

TEST_CASE("a refused SETL keeps the lease when its words are wrong",
          "[server][leases]") {
  lease_fixture run;
  const auto token = token_in(run.by(0, "GETL k 0"));
  for (const auto* how :
       {"EX", "EX 1 PX 1", "EX 1 EX 1", "TAGS", "TAGS 0", "TAGS 2 a", "TAGS 1",
        "TAGS 1 a TAGS 1 b", "TAGS x a", "TAGS -1 a", "NX", "TAGS 1 a b"}) {
    INFO(how);
    CHECK(run.by(0, "SETL k " + token + " v " + how)
          == "-ERR syntax error\r\n");
  }
  CHECK(run.by(0, "SETL k " + token + " v EX 0")
        == "-ERR invalid expire time in 'setl' command\r\n");
  CHECK(run.by(0, "SETL k " + token + " v PX x")
        == "-ERR value is not an integer or out of range\r\n");
  CHECK(run.by(0, "SETL k " + token + " v EX 9223372036854775807")
        == "-ERR invalid expire time in 'setl' command\r\n");
  std::vector<std::string> many{"SETL", "k", token, "v", "TAGS", "1025"};
  for (int i = 0; i < 1025; ++i)
    many.push_back("t" + std::to_string(i));
  CHECK(run.run(many).substr(0, 5) == "-ERR ");
  CHECK(run.by(0, "SETL k " + token + " v") == ok);
}

TEST_CASE("a token opens nothing but its own key", "[server][leases]") {
  lease_fixture run;
  const auto a = token_in(run.by(0, "GETL a 0"));
  const auto b = token_in(run.by(0, "GETL b 0"));
  CHECK(run.by(0, "SETL b " + a + " v") == refused);
  CHECK(run.by(0, "SETL c " + a + " v") == refused);
  CHECK(run.by(0, "DROPL b " + a) == ":0\r\n");
  CHECK(run.by(0, "SELECT 1\nSETL a " + a + " v\nSELECT 0")
        == ok + refused + ok);
  auto guess = a;
  guess.back() = guess.back() == '0' ? '1' : '0';
  CHECK(run.by(0, "SETL a " + guess + " v") == refused);
  CHECK(run.run({"SETL", "a", "", "v"}) == refused);
  // Any connection may use it, as those of a pool do.
  CHECK(run.by(1, "SETL a " + a + " v") == ok);
  CHECK(run.by(1, "SETL a " + a + " w") == refused);
  CHECK(run.by(1, "SETL b " + b + " v") == ok);
}

TEST_CASE("the leases of a client end with its connection",
          "[server][leases]") {
  lease_fixture run;
  const auto a = token_in(run.by(0, "GETL a 0"));
  const auto b = token_in(run.by(0, "GETL b 0"));
  const auto c = token_in(run.by(1, "GETL c 0"));
  REQUIRE(run.by(2, "GETL a 1000") == waits);
  run.close(0);
  token_in(run.reply(2));
  CHECK(run.state.leases->figures().held == 2);
  CHECK(run.by(3, "SETL b " + b + " v") == refused);
  CHECK(run.by(3, "SETL c " + c + " v") == ok);
  run.close(2);
  CHECK(run.idle());
}

TEST_CASE("a client that leaves while it waits is forgotten",
          "[server][leases]") {
  lease_fixture run;
  const auto token = token_in(run.by(0, "GETL k 0"));
  REQUIRE(run.by(1, "GETL k 1000") == waits);
  run.close(1);
  CHECK(run.state.leases->figures().waiting == 0);
  CHECK(run.by(0, "SETL k " + token + " v") == ok);
  CHECK(run.idle());
}

TEST_CASE("a client that waits is listed, and unblocked", "[server][leases]") {
  lease_fixture run;
  token_in(run.by(0, "GETL k 0"));
  REQUIRE(run.by(1, "GETL k 1000") == waits);
  CHECK(
    run.state.clients.list([&](const auto& x) { return x.id == run.at(1).id; })
      .find("flags=b ")
    != std::string::npos);
  CHECK(run.by(2, "INFO clients").find("blocked_clients:1\r\n")
        != std::string::npos);
  const auto id = std::to_string(run.at(1).id);
  SECTION("as at the end of its time") {
    CHECK(run.by(2, "CLIENT UNBLOCK " + id) == ":1\r\n");
    CHECK(run.reply(1) == busy);
  }
  SECTION("with an error") {
    CHECK(run.by(2, "CLIENT UNBLOCK " + id + " ERROR") == ":1\r\n");
    CHECK(run.reply(1) == "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  }
  SECTION("by its own time") {
    run.at(1).unfinished->time_over();
    CHECK(run.reply(1) == busy);
  }
  CHECK(run.state.leases->figures().waiting == 0);
}

TEST_CASE("GETL within EXEC neither waits nor takes a lease",
          "[server][leases]") {
  lease_fixture run;
  CHECK(run.by(0, "MULTI\nGETL k 1000\nSET k v\nGETL k 1000\nEXEC")
        == ok + "+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n" + busy + ok
             + value_reply("v"));
  CHECK(run.idle());
  const auto token = token_in(run.by(0, "GETL n 0"));
  CHECK(run.by(0, "MULTI\nDROPL n " + token + "\nEXEC")
        == ok + "+QUEUED\r\n*1\r\n:1\r\n");
  CHECK(run.idle());
  CHECK(run.by(0, "MULTI\nSETL n t v\nEXEC")
        == ok
             + "-ERR Command not allowed inside a transaction\r\n-EXECABORT "
               "Transaction discarded because of previous errors.\r\n");
}

TEST_CASE("wrong calls of the lease commands get clear errors",
          "[server][leases]") {
  lease_fixture run;
  const auto arity = [](const std::string& name) {
    return "-ERR wrong number of arguments for '" + name + "' command\r\n";
  };
  CHECK(run.by(0, "GETL k") == arity("getl"));
  CHECK(run.by(0, "GETL k 1 2 3") == "-ERR syntax error\r\n");
  CHECK(run.by(0, "SETL k t") == arity("setl"));
  CHECK(run.by(0, "DROPL k") == arity("dropl"));
  CHECK(run.by(0, "DROPL k t x") == arity("dropl"));
  CHECK(run.by(0, "TAGDEL") == arity("tagdel"));
  CHECK(run.by(0, "DELIFEQ k") == arity("delifeq"));
  CHECK(run.by(0, "GETL k x")
        == "-ERR value is not an integer or out of range\r\n");
  for (const auto* times : {"-1", "3600001", "9223372036854775807"})
    CHECK(run.by(0, "GETL k " + std::string{times})
          == "-ERR the times of 'getl' are 0 to 3600000 milliseconds\r\n");
  for (const auto* times : {"-1", "0", "3600001"})
    CHECK(run.by(0, "GETL k 0 " + std::string{times})
          == "-ERR the times of 'getl' are 1 to 3600000 milliseconds\r\n");
  const std::string large(run.uut->options().max_key_size + 1, 'k');
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"GETL", large, "0"},
                                             {"SETL", large, "t", "v"},
                                             {"DROPL", large, "t"}})
    CHECK(run.run(words).find("-ERR key is too large") == 0);
  CHECK(run.idle());
}

TEST_CASE("keys and clients of leases have bounds", "[server][leases]") {
  lease_fixture run{{.waiting_per_key = 2,
                     .waiting = 3,
                     .bytes = 3 * (lease_limits::bytes_per_key + 1)}};
  const auto refusal = [](const std::string& x) {
    INFO(x);
    return x.find("-TRYAGAIN ") == 0;
  };
  const auto a = token_in(run.by(0, "GETL a 0"));
  token_in(run.by(0, "GETL b 0"));
  const auto c = token_in(run.by(0, "GETL c 0"));
  CHECK(refusal(run.by(0, "GETL d 0")));
  REQUIRE(run.by(1, "GETL a 9") == waits);
  REQUIRE(run.by(2, "GETL a 9") == waits);
  CHECK(refusal(run.by(3, "GETL a 9")));
  REQUIRE(run.by(3, "GETL b 9") == waits);
  CHECK(refusal(run.by(4, "GETL c 9")));
  // What ends makes room.
  CHECK(run.by(0, "SETL a " + a + " v") == ok);
  CHECK(run.reply(1) == value_reply("v"));
  CHECK(run.reply(2) == value_reply("v"));
  token_in(run.by(1, "GETL d 0"));
  CHECK(run.by(0, "DROPL c " + c) == ":1\r\n");
  token_in(run.by(1, "GETL e 0"));
}

TEST_CASE("a loader of the program and a client's lease exclude each other",
          "[server][leases]") {
  lease_fixture run;
  std::atomic<bool> begun{false};
  std::atomic<bool> release{false};
  std::thread program{[&] {
    const auto loaded = run.uut->get_or_set(
      "k",
      [&](troupe::load_context&)
        -> troupe::expected<std::optional<troupe::bytes>> {
        begun = true;
        while (!release)
          std::this_thread::yield();
        return troupe::bytes{"loaded"};
      });
    CHECK(loaded.value() == "loaded");
  }};
  // It has the lease, and the shard's turn is over.
  eventually([&] { return begun.load(); });
  CHECK(run.loads->in_flight() == 1);
  CHECK(run.by(0, "GETL k 0") == busy);
  REQUIRE(run.by(1, "GETL k 1000") == waits);
  run.state.leases->tick();
  CHECK(run.reply(1) == waits);
  release = true;
  program.join();
  run.state.leases->tick();
  CHECK(run.reply(1) == value_reply("loaded"));
  CHECK(run.idle());
  // The other way round, the program waits for the client.
  const auto token = token_in(run.by(0, "GETL n 0"));
  auto waiting = std::async(std::launch::async, [&] {
    return run.uut->get_or_set(
      "n",
      [](troupe::load_context&)
        -> troupe::expected<std::optional<troupe::bytes>> {
        return troupe::bytes{"of the program"};
      });
  });
  eventually([&] { return run.uut->gauge().waiters == 1; });
  CHECK(run.by(0, "SETL n " + token + " stored") == ok);
  eventually([&] {
    run.loads->tick();
    return waiting.wait_for(0s) == std::future_status::ready;
  });
  CHECK(waiting.get().value() == "stored");
}

TEST_CASE("those that wait hear of a region that has ended",
          "[server][leases]") {
  lease_fixture run;
  const auto token = token_in(run.by(0, "GETL k 0"));
  REQUIRE(run.by(1, "GETL k 1000") == waits);
  run.uut->stop();
  CHECK(run.by(0, "DROPL k " + token) == ":0\r\n");
  CHECK(run.reply(1) == "-ERR server is shutting down\r\n");
}

TEST_CASE("INFO shows leases and counts them", "[server][leases]") {
  lease_fixture run;
  const auto shows = [&run](const std::string& field) {
    return run.by(9, "INFO").find(field + "\r\n") != std::string::npos;
  };
  const auto token = token_in(run.by(0, "GETL k 0"));
  REQUIRE(run.by(1, "GETL k 1000") == waits);
  CHECK(shows("leases:1"));
  CHECK(shows("lease_waiters:1"));
  CHECK(run.by(0, "SETL k x v") == refused);
  CHECK(run.by(0, "SETL k " + token + " v") == ok);
  CHECK(shows("leases:0"));
  CHECK(shows("lease_waiters:0"));
  CHECK(shows("leases_granted:1"));
  CHECK(shows("lease_stores:1"));
  CHECK(shows("lease_refusals:1"));
  run.by(0, "CONFIG RESETSTAT");
  CHECK(shows("leases_granted:0"));
}

TEST_CASE("a value without room ends the lease, and the next client inherits",
          "[server][leases]") {
  troupe::region_options options;
  options.max_bytes = 64 * 1024;
  options.eviction = troupe::eviction_policy::none;
  lease_fixture run{{}, options};
  const auto token = token_in(run.by(0, "GETL k 0"));
  REQUIRE(run.by(1, "GETL k 1000") == waits);
  const auto refusal
    = run.run({"SETL", "k", token, std::string(48 * 1024, 'v')});
  CHECK(refusal.front() == '-');
  const auto next = token_in(run.reply(1));
  CHECK(run.by(1, "SETL k " + next + " v") == ok);
}
