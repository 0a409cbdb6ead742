// What clients keep, and how long their turns are.

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <tuple>

#include "apps/net/turn_clock.hpp"
#include "apps/resp/parser.hpp"
#include "apps/resp/reply_buffer.hpp"
#include "apps/resp/reply_writer.hpp"
#include "apps/server/clients/client_memory.hpp"
#include "apps/server/fixture.hpp"
#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe::server;
using troupe::net::turn_clock;
using troupe::resp::command_batch;
using troupe::resp::parser;
using troupe::resp::reply_buffer;
using troupe::resp::reply_writer;

namespace {

constexpr std::size_t mib = 1 << 20;

void connect(server_state& state, std::uint64_t id) {
  auto entry = std::make_shared<client_record>();
  entry->id = id;
  state.clients.add(std::move(entry));
}

/// As if the turn of the client had begun long ago.
void use_up_turn(client& self) {
  self.turn.reset();
  std::ignore = self.turn.end(turn_clock::clock::now() - 1h, 0s);
}

} // namespace

TEST_CASE("a client below its fair share stays, whatever others keep",
          "[server][clients]") {
  command_fixture run;
  auto& self = run.self;
  run.state.live.max_client_memory = mib;
  // Another one has all there is.
  run.state.client_memory = mib;
  for (std::uint64_t id = 1; id <= 4; ++id)
    connect(run.state, id);
  self.buffered = mib / 4;
  CHECK(count_memory(self, run.state));
  self.buffered = mib / 4 + 1;
  CHECK_FALSE(count_memory(self, run.state));
  // It holds no more than before.
  CHECK(count_memory(self, run.state));
  for (std::uint64_t id = 5; id <= 1000; ++id)
    connect(run.state, id);
  self.buffered = 0;
  CHECK(count_memory(self, run.state));
  self.buffered = defaults::least_client_memory;
  CHECK(count_memory(self, run.state));
  ++self.buffered;
  CHECK_FALSE(count_memory(self, run.state));
}

TEST_CASE("what a walk has found counts among what its client keeps",
          "[server][clients]") {
  command_fixture run;
  for (int i = 0; i < 100; ++i)
    REQUIRE(run.run({"SET", std::string(1000, 'k') + std::to_string(i), "x"})
            == "+OK\r\n");
  reply_buffer out;
  reply_writer reply{out};
  executor runner{run.state, run.state.threads.front()};
  parser reader;
  command_batch batch;
  const auto input = resp({"KEYS", "*"});
  REQUIRE(reader.parse(input, batch).state == parser::status::starved);
  use_up_turn(run.self);
  REQUIRE(runner.run(batch, 0, run.self, reply) == 1);
  REQUIRE(run.self.unfinished);
  const auto before = run.self.held_bytes();
  const auto past = turn_clock::clock::time_point::min();
  auto most = before;
  while (!run.self.unfinished->go_on(reply, past))
    most = std::max(most, run.self.held_bytes());
  CHECK(most - before > 50'000);
}

TEST_CASE("walks of one turn share its time, however short each is",
          "[server][clients]") {
  command_fixture run;
  reply_buffer out;
  reply_writer reply{out};
  executor runner{run.state, run.state.threads.front()};
  parser reader;
  command_batch batch;
  const auto scan = resp({"SCAN", "0", "COUNT", "1"});
  const auto input = scan + scan + scan;
  reader.parse(input, batch);
  REQUIRE(batch.size() == 3);
  use_up_turn(run.self);
  for (std::size_t done = 0; done < 3;) {
    // The time is up: the command waits for the next turn.
    const auto next = runner.run(batch, done, run.self, reply);
    REQUIRE(next == done + 1);
    done = next;
    REQUIRE(run.self.unfinished);
    const auto before = reply.pending();
    while (!continue_unfinished(run.self, reply))
      ;
    CHECK(reply.pending() > before);
    // This began a turn, with time for others.
    CHECK_FALSE(run.self.turn.over(1h));
    use_up_turn(run.self);
  }
}
