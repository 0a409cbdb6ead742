// Commands that answer later, tested without sockets. parking_commands.cpp adds them.

#include <array>
#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "apps/server/calls/ticket.hpp"
#include "apps/server/clients/answer_slot.hpp"
#include "apps/server/fixture.hpp"
#include "apps/server/state/client_registry.hpp"
#include "catch.hpp"

using namespace troupe::server;

bool parking_commands_added();

namespace {

const std::string ok = "+OK\r\n";

// A client on the thread of the test, and a second client.
struct ticket_fixture : command_fixture {
  ticket_fixture() {
    self.record = std::make_shared<client_record>();
    self.record->id = self.id;
    state.clients.add(self.record);
    make_client(other, 9, state);
  }

  // The reply of the waiting command. Precondition: it has an answer.
  std::string finish() {
    REQUIRE(self.unfinished);
    REQUIRE_FALSE(self.unfinished->waits());
    troupe::net::byte_buffer out;
    troupe::resp::reply_writer reply{out, state.options.max_reply};
    reply.protocol(self.protocol);
    REQUIRE(continue_unfinished(self, reply));
    return std::string{out.view()};
  }

  bool waits() const {
    return self.unfinished && self.unfinished->waits();
  }

  std::string from_other(const std::string& line) {
    return send(other, line + "\n");
  }

  std::string info() {
    return from_other("INFO clients");
  }

  client other;
};

bool mentions(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a family of commands is added by its own file",
          "[server][tickets]") {
  CHECK(parking_commands_added());
  ticket_fixture run;
  CHECK(mentions(run("COMMAND INFO test.park"), "test.park"));
  CHECK(run("TEST.PARK")
        == "-ERR wrong number of arguments for 'test.park' command\r\n");
}

TEST_CASE("a name that the table has, or cannot have, is refused",
          "[server][tickets]") {
  static constexpr std::array taken{
    command{"fresh", 1, {}, {}, "test", "7.0.0", "", nullptr},
    command{"get", 1, {}, {}, "test", "7.0.0", "", nullptr}};
  static constexpr std::array long_name{
    command{"a-name-of-20-letters", 1, {}, {}, "test", "7.0.0", "", nullptr}};
  CHECK(mentions(std::string{add_commands(taken).error().text()}, "'get'"));
  CHECK(mentions(std::string{add_commands(long_name).error().text()},
                 "a-name-of-20-letters"));
  CHECK(find_command("fresh") == nullptr);
}

TEST_CASE("a command waits until another thread answers", "[server][tickets]") {
  ticket_fixture run;
  CHECK(run("TEST.PARK a") == "");
  REQUIRE(run.waits());
  CHECK(mentions(run.info(), "blocked_clients:1\r\n"));
  CHECK(mentions(run.state.clients.list([](const auto&) { return true; }),
                 "flags=b "));
  CHECK(run.from_other("TEST.WAKE a 5") == ":1\r\n");
  CHECK(run.finish() == "$1\r\n5\r\n");
  CHECK_FALSE(run.self.unfinished);
  CHECK(mentions(run.info(), "blocked_clients:0\r\n"));
  CHECK(run.from_other("TEST.WAKE a 5") == ":0\r\n");
}

TEST_CASE("the reply has the protocol of its client", "[server][tickets]") {
  ticket_fixture run;
  run("HELLO 3");
  run("TEST.PARK a 100000");
  CHECK(run.from_other("CLIENT UNBLOCK 7") == ":1\r\n");
  CHECK(run.finish() == "_\r\n");
}

TEST_CASE("CLIENT UNBLOCK ends a wait", "[server][tickets]") {
  ticket_fixture run;
  const auto before = run.from_other("TEST.TICKETS");
  run("TEST.PARK a");
  SECTION("as if its time were over") {
    CHECK(run.from_other("CLIENT UNBLOCK 7 timeout") == ":1\r\n");
    CHECK(run.finish()
          == "-TRYAGAIN the command has waited for its answer as long as it "
             "may\r\n");
  }
  SECTION("with an error") {
    CHECK(run.from_other("CLIENT UNBLOCK 7 ERROR") == ":1\r\n");
    CHECK(run.finish() == "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  }
  CHECK(run.from_other("CLIENT UNBLOCK 7") == ":0\r\n");
  CHECK(run.from_other("CLIENT UNBLOCK 8") == ":0\r\n");
  CHECK(run.from_other("CLIENT UNBLOCK -7") == ":0\r\n");
  CHECK(run.from_other("CLIENT UNBLOCK x")
        == "-ERR value is not an integer or out of range\r\n");
  CHECK(run.from_other("CLIENT UNBLOCK 7 now")
        == "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n");
  // The owner of the ticket was informed of the cancellation.
  CHECK(run.from_other("TEST.TICKETS") != before);
  CHECK(run.from_other("TEST.WAKE a 5") == ":0\r\n");
}

TEST_CASE("within EXEC the time of a command is over at once",
          "[server][tickets]") {
  ticket_fixture run;
  CHECK(run("MULTI\nTEST.PARK a 100000\nSET k v\nTEST.PARK a\nEXEC")
        == ok + "+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n$-1\r\n" + ok
             + "-TRYAGAIN the command has waited for its answer as long as it "
               "may\r\n");
  CHECK_FALSE(run.self.unfinished);
  CHECK(run.from_other("TEST.WAKE a 5") == ":0\r\n");
}

TEST_CASE("a client without replies waits all the same", "[server][tickets]") {
  ticket_fixture run;
  run("CLIENT REPLY OFF");
  CHECK(run("TEST.PARK a") == "");
  REQUIRE(run.waits());
  run.from_other("TEST.WAKE a 5");
  CHECK(run.finish() == "");
  CHECK(run("CLIENT REPLY ON\nCLIENT REPLY SKIP\nTEST.PARK a") == ok);
  REQUIRE(run.waits());
  run.from_other("TEST.WAKE a 5");
  CHECK(run.finish() == "");
  CHECK(run("PING") == "+PONG\r\n");
}

TEST_CASE("a subscriber in RESP2 cannot wait", "[server][tickets]") {
  ticket_fixture run;
  run("SUBSCRIBE news");
  CHECK(mentions(run("TEST.PARK a"), "-ERR Can't execute 'test.park'"));
  CHECK_FALSE(run.self.unfinished);
}

TEST_CASE("a ticket that is dropped answers with an error",
          "[server][tickets]") {
  ticket_fixture run;
  run("TEST.PARK a");
  CHECK(run.from_other("TEST.DROP a") == ":1\r\n");
  CHECK(run.finish()
        == "-ERR internal error; nothing is known about the command's "
           "effect\r\n");
}

TEST_CASE("the end of a client cancels its ticket", "[server][tickets]") {
  ticket_fixture run;
  const auto numbers = [&run] { return run.from_other("TEST.TICKETS"); };
  const auto before = numbers();
  run("TEST.PARK a");
  CHECK(numbers() != before);
  run.self.unfinished.reset(); // A connection that closes does the same.
  CHECK(mentions(numbers(), "*2\r\n:0\r\n"));
  CHECK(numbers() != before);
  CHECK(run.from_other("TEST.WAKE a 5") == ":0\r\n");
  CHECK(mentions(run.info(), "blocked_clients:0\r\n"));
}

// -- slots and lines ---------------------------------------------------------------

namespace {

struct counting_slot final : answer_slot {
  using answer_slot::answer_slot;

  void on_answer() noexcept override {
    ++woken;
  }

  int woken = 0;
};

} // namespace

TEST_CASE("of many answers and a cancellation one counts",
          "[server][tickets][threads]") {
  std::atomic<int> wakes{0};
  const auto line = std::make_shared<answer_line>([&] {
    ++wakes;
    return true;
  });
  for (int round = 0; round < 200; ++round) {
    const auto slot = std::make_shared<counting_slot>(line, waiting_time{});
    std::latch start{4};
    std::atomic<int> answered{0};
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 3; ++i)
        threads.emplace_back([&, i] {
          start.arrive_and_wait();
          answered += slot->put([i](auto& reply) { reply.integer(i); });
        });
      start.arrive_and_wait();
      slot->cancel();
    }
    CHECK_FALSE(slot->waiting());
    CHECK(answered == (slot->answered() ? 1 : 0));
    CHECK(slot->cancelled().stop_requested() == !slot->answered());
    while (const auto x = line->take())
      x->on_answer();
    CHECK(slot->woken == answered);
  }
  CHECK(wakes <= 200);
}

TEST_CASE("a line wakes once for many answers, and again when it could not",
          "[server][tickets]") {
  int wakes = 0;
  auto able = false;
  const auto line = std::make_shared<answer_line>([&] {
    ++wakes;
    return able;
  });
  const auto put = [&line] {
    const auto slot = std::make_shared<counting_slot>(line, waiting_time{});
    CHECK(slot->put([](auto& reply) { reply.ok(); }));
    return slot;
  };
  const auto first = put();
  able = true;
  const auto second = put();
  const auto third = put();
  CHECK(wakes == 2);
  CHECK(line->take() == first);
  CHECK(line->take() == second);
  CHECK(line->take() == third);
  CHECK(line->take() == nullptr);
  put();
  CHECK(wakes == 3);
  // `close` drops the slots of a long line one by one, and later slots at once.
  for (int i = 0; i < 100'000; ++i)
    put();
  line->close();
  put();
  CHECK(wakes == 3);
  CHECK(line->take() == nullptr);
}
