// Transactions and commands on several keys: what one client sees of another's.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "apps/server/fixture.hpp"
#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe::server;
using troupe::net::byte_buffer;
using troupe::resp::command_batch;
using troupe::resp::parser;
using troupe::resp::reply_writer;

namespace {

const std::string ok = "+OK\r\n";
const std::string queued = "+QUEUED\r\n";
const std::string null_array = "*-1\r\n";

/// Another client of the fixture's server.
struct other_client {
  explicit other_client(command_fixture& home) : home_(home) {
    self.id = 8;
  }

  std::string operator()(std::string_view line) {
    byte_buffer out;
    reply_writer reply{out};
    parser reader;
    command_batch batch;
    const auto input = std::string{line} + "\n";
    reader.parse(input, batch);
    executor runner{home_.state, home_.state.threads.front()};
    for (std::size_t next = 0; next < batch.size();)
      next = runner.run(batch, next, self, reply);
    return std::string{out.view()};
  }

  client self;

private:
  command_fixture& home_;
};

} // namespace

TEST_CASE("EXEC runs what was queued, and replies to all of it",
          "[server][transaction]") {
  command_fixture run;
  CHECK(run("MULTI") == ok);
  CHECK(run("SET a 1") == queued);
  CHECK(run("INCRBY a 4") == queued);
  CHECK(run("GET a") == queued);
  CHECK(run("LPUSH a")
        == "-ERR unknown command 'LPUSH', with args beginning "
           "with: 'a' \r\n");
  CHECK(run("EXEC")
        == "-EXECABORT Transaction discarded because of previous errors.\r\n");
  CHECK(run("GET a") == "$-1\r\n");
  CHECK(run("MULTI") == ok);
  CHECK(run("SET a 1") == queued);
  CHECK(run("INCRBY a 4") == queued);
  CHECK(run("INCRBY a x") == queued);
  CHECK(run("MSET b 1 c 2") == queued);
  CHECK(run("RENAME b d") == queued);
  CHECK(run("MGET a b c d") == queued);
  CHECK(run("EXEC")
        == "*6\r\n" + ok + ":5\r\n"
             + "-ERR value is not an integer or out of range\r\n" + ok + ok
             + "*4\r\n" + bulk("5") + "$-1\r\n" + bulk("2") + bulk("1"));
  CHECK(run("EXEC") == "-ERR EXEC without MULTI\r\n");
}

TEST_CASE("DISCARD forgets, and MULTI does not nest", "[server][transaction]") {
  command_fixture run;
  CHECK(run("DISCARD") == "-ERR DISCARD without MULTI\r\n");
  CHECK(run("MULTI") == ok);
  CHECK(run("MULTI") == "-ERR MULTI calls can not be nested\r\n");
  CHECK(run("WATCH a") == "-ERR WATCH inside MULTI is not allowed\r\n");
  CHECK(run("SET a 1") == queued);
  CHECK(run("DISCARD") == ok);
  CHECK(run("EXISTS a") == ":0\r\n");
  CHECK(run("MULTI") == ok);
  CHECK(run("EXEC") == "*0\r\n");
  CHECK(run("MULTI") == ok);
  CHECK(run("RESET") == "+RESET\r\n");
  CHECK(run("EXEC") == "-ERR EXEC without MULTI\r\n");
}

TEST_CASE("a watched key that changed stops the transaction",
          "[server][transaction]") {
  command_fixture run;
  other_client other{run};
  REQUIRE(run("MSET a 1 b 1") == ok);
  const auto attempt = [&] {
    REQUIRE(run("MULTI") == ok);
    REQUIRE(run("SET done 1") == queued);
    const auto reply = run("EXEC");
    REQUIRE(run("DEL done") == (reply == null_array ? ":0\r\n" : ":1\r\n"));
    return reply;
  };
  const auto done = "*1\r\n" + ok;
  for (const auto* change :
       {"SET a 1", "DEL a", "EXPIRE b 10", "INCR a", "FLUSHALL", "SET new 1",
        "RENAME a z", "MSET q 1 b 2"}) {
    CAPTURE(change);
    REQUIRE(run("MSET a 1 b 1") == ok);
    REQUIRE(run("DEL new") != "");
    CHECK(run("WATCH a b new") == ok);
    other(change);
    CHECK(attempt() == null_array);
    // What was watched is forgotten by then.
    CHECK(attempt() == done);
  }
  SECTION("not when others change") {
    CHECK(run("WATCH a") == ok);
    other("SET c 1");
    CHECK(attempt() == done);
  }
  SECTION("not when it is not watched any more") {
    CHECK(run("WATCH a") == ok);
    other("SET a 2");
    CHECK(run("UNWATCH") == ok);
    CHECK(attempt() == done);
  }
  SECTION("when it expired") {
    CHECK(run("SET a 1 PX 10") == ok);
    CHECK(run("WATCH a") == ok);
    run.time.advance(10ms);
    CHECK(attempt() == null_array);
  }
}

TEST_CASE("a watched key that was there in between has changed",
          "[server][transaction]") {
  command_fixture run;
  other_client other{run};
  const auto attempt = [&] {
    REQUIRE(run("MULTI") == ok);
    REQUIRE(run("PING") == queued);
    return run("EXEC");
  };
  const auto done = "*1\r\n+PONG\r\n";
  const auto prepare = [&] {
    REQUIRE(run("FLUSHALL") == ok);
    REQUIRE(run("SET a 1") == ok);
    REQUIRE(run("WATCH new") == ok);
  };
  for (const auto* change :
       {"SET new 1", "SETNX new 1", "MSET new 1", "INCR new", "APPEND new x",
        "SETRANGE new 2 x", "RENAME a new", "COPY a new", "GETSET new 1"}) {
    CAPTURE(change);
    prepare();
    other(change);
    REQUIRE(other("DEL new") == ":1\r\n");
    CHECK(attempt() == null_array);
    CHECK(attempt() == done);
  }
  for (const auto* end : {"FLUSHALL", "RENAME new z", "GETDEL new"}) {
    CAPTURE(end);
    prepare();
    REQUIRE(other("SET new 1") == ok);
    other(end);
    CHECK(attempt() == null_array);
  }
  SECTION("for a moment") {
    prepare();
    REQUIRE(other("SET new 1 PX 10") == ok);
    run.time.advance(10ms);
    CHECK(attempt() == null_array);
  }
  SECTION("not what was absent all the while") {
    prepare();
    REQUIRE(other("DEL new") == ":0\r\n");
    REQUIRE(other("EXPIRE new 1") == ":0\r\n");
    REQUIRE(other("SET new 1 XX") == "$-1\r\n");
    REQUIRE(other("FLUSHALL") == ok);
    CHECK(attempt() == done);
  }
  SECTION("not the key of another database") {
    prepare();
    REQUIRE(other("SELECT 1") == ok);
    REQUIRE(other("SET new 1") == ok);
    CHECK(attempt() == done);
  }
  SECTION("for two who watch") {
    troupe::server::client third;
    prepare();
    make_client(third, 9, run.state);
    REQUIRE(run.send(third, "WATCH new\n") == ok);
    REQUIRE(other("SET new 1") == ok);
    REQUIRE(other("DEL new") == ":1\r\n");
    CHECK(attempt() == null_array);
    CHECK(run.send(third, "MULTI\nPING\nEXEC\n") == ok + queued + null_array);
  }
}

TEST_CASE("a transaction has a largest size", "[server][transaction]") {
  command_fixture run;
  run.state.options.limits.command = 64UL * 1024 * 1024;
  const std::string value(16UL * 1024 * 1024, 'v');
  REQUIRE(run("MULTI") == ok);
  for (int i = 0; i < 3; ++i)
    CHECK(run.run({"SET", "a", value}) == queued);
  CHECK(run.run({"SET", "a", value})
        == "-ERR the transaction is too large; send it in parts, or raise "
           "client-query-buffer-limit\r\n");
  CHECK(run("EXEC")
        == "-EXECABORT Transaction discarded because of previous errors.\r\n");
  CHECK(run("EXISTS a") == ":0\r\n");
}

TEST_CASE("MSETNX sets all or nothing", "[server][transaction]") {
  command_fixture run;
  CHECK(run("MSETNX a 1 b 2") == ":1\r\n");
  CHECK(run("MSETNX c 1 b 3") == ":0\r\n");
  CHECK(run("MGET a b c") == "*3\r\n" + bulk("1") + bulk("2") + "$-1\r\n");
  CHECK(run("MSETNX c")
        == "-ERR wrong number of arguments for 'msetnx' command\r\n");
  CHECK(run("MSETNX c 1 d")
        == "-ERR wrong number of arguments for 'msetnx' command\r\n");
  // The same key twice: the last one counts.
  CHECK(run("MSETNX d 1 d 2") == ":1\r\n");
  CHECK(run("GET d") == bulk("2"));
}

TEST_CASE("RENAME takes value and TTL along", "[server][transaction]") {
  command_fixture run;
  CHECK(run("RENAME a b") == "-ERR no such key\r\n");
  CHECK(run("RENAMENX a a") == "-ERR no such key\r\n");
  REQUIRE(run("SET a v PX 5000") == ok);
  REQUIRE(run("SET b w") == ok);
  CHECK(run("RENAMENX a b") == ":0\r\n");
  CHECK(run("RENAME a b") == ok);
  CHECK(run("MGET a b") == "*2\r\n$-1\r\n" + bulk("v"));
  CHECK(run("PTTL b") == ":5000\r\n");
  CHECK(run("RENAME b b") == ok);
  CHECK(run("RENAMENX b b") == ":0\r\n");
  CHECK(run("RENAMENX b c") == ":1\r\n");
  CHECK(run("MGET b c") == "*2\r\n$-1\r\n" + bulk("v"));
}

TEST_CASE("RENAME and COPY of a large value copy nothing",
          "[server][transaction][large]") {
  command_fixture run;
  const std::string text(1'000'000, 'x');
  const auto place = [&run](const char* key) {
    const char* result = nullptr;
    static_cast<void>(run.uut->visit(
      key, [&](const troupe::entry_view& x) { result = x.value.data(); }));
    return result;
  };
  REQUIRE(run.run({"SET", "a", text, "PX", "5000"}) == ok);
  REQUIRE(run("SET b w") == ok);
  const auto* before = place("a");
  CHECK(run("RENAME a b") == ok);
  CHECK(place("b") == before);
  CHECK(run("EXISTS a") == ":0\r\n");
  CHECK(run("PTTL b") == ":5000\r\n");
  CHECK(run("COPY b c") == ":1\r\n");
  CHECK(place("c") == before);
  CHECK(run("PTTL c") == ":5000\r\n");
  CHECK(run("COPY b d DB 1") == ":1\r\n");
  CHECK(run("APPEND c tail") == ":1000004\r\n");
  CHECK(run("STRLEN b") == ":1000000\r\n");
  CHECK(run("GETRANGE c 999999 -1") == bulk("xtail"));
  CHECK(run("PERSIST b") == ":1\r\n");
  CHECK(place("b") == before);
  SECTION("nor in a transaction") {
    CHECK(run("MULTI") == ok);
    CHECK(run("RENAME b e") == queued);
    CHECK(run("COPY e f") == queued);
    CHECK(run("EXEC") == "*2\r\n" + ok + ":1\r\n");
    CHECK(place("e") == before);
    CHECK(place("f") == before);
  }
  CHECK(run("DEL b c e f") != "");
  CHECK(run("SELECT 1") == ok);
  CHECK(run("GET d") == bulk(text));
}

TEST_CASE("COPY leaves the source", "[server][transaction]") {
  command_fixture run;
  REQUIRE(run("SET a v EX 5") == ok);
  CHECK(run("COPY a a")
        == "-ERR source and destination objects are the "
           "same\r\n");
  CHECK(run("COPY x b") == ":0\r\n");
  CHECK(run("COPY a b") == ":1\r\n");
  CHECK(run("TTL b") == ":5\r\n");
  REQUIRE(run("SET a w") == ok);
  CHECK(run("COPY a b") == ":0\r\n");
  CHECK(run("COPY a b REPLACE") == ":1\r\n");
  CHECK(run("TTL b") == ":-1\r\n");
  CHECK(run("MGET a b") == "*2\r\n" + bulk("w") + bulk("w"));
  CHECK(run("COPY a b FOO") == "-ERR syntax error\r\n");
}

TEST_CASE("nobody sees half of what changes as one", "[server][transaction]") {
  constexpr int rounds = 3'000;
  command_fixture run;
  REQUIRE(run("MSET a 10000 b 10000 c 10000") == ok);
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::atomic<int> backwards{0};
  // Each thread has counters of its own, as in the server.
  run.state.threads.emplace_back();
  std::vector<std::thread> readers;
  const auto ask = [&run](client& self, thread_counters& counters,
                          const std::string& input) {
    byte_buffer out;
    reply_writer reply{out};
    parser reader;
    command_batch batch;
    reader.parse(input, batch);
    executor runner{run.state, counters};
    for (std::size_t next = 0; next < batch.size();)
      next = runner.run(batch, next, self, reply);
    return std::string{out.view()};
  };
  auto& theirs = run.state.threads.emplace_back();
  readers.emplace_back([&] {
    client self;
    while (!stop) {
      const auto reply = ask(self, theirs, "MGET a b c\n").substr(4);
      const auto third = reply.size() / 3;
      if (reply.substr(0, third) != reply.substr(third, third)
          || reply.substr(0, third) != reply.substr(2 * third))
        ++torn;
    }
  });
  auto& others = run.state.threads.emplace_back();
  readers.emplace_back([&] {
    client self;
    const auto number = [](const std::string& reply) {
      return std::stoi(reply.substr(reply.find('\n') + 1));
    };
    while (!stop) {
      // The later read must not be of an earlier state, in a pipeline or not.
      const auto a = number(ask(self, others, "GET a\n"));
      const auto both = ask(self, others, "GET b\nGET c\n");
      const auto b = number(both);
      const auto c = number(both.substr(both.size() / 2));
      backwards += b < a || c < b ? 1 : 0;
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    const auto x = std::to_string(10'000 + i);
    if (i % 2 == 0) {
      REQUIRE(run("MSET a " + x + " b " + x + " c " + x) == ok);
      continue;
    }
    REQUIRE(run("MULTI") == ok);
    REQUIRE(run("SET a " + x) == queued);
    REQUIRE(run("SET b " + x) == queued);
    REQUIRE(run("SET c " + x) == queued);
    REQUIRE(run("EXEC") == "*3\r\n" + ok + ok + ok);
  }
  stop = true;
  for (auto& x : readers)
    x.join();
  CHECK(torn == 0);
  CHECK(backwards == 0);
}
