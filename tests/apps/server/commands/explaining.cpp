// EXPLAIN: why a key is present or missing.

#include <string>

#include "apps/server/fixture.hpp"
#include "catch.hpp"

using namespace std::chrono_literals;

namespace {

bool has(const std::string& reply, std::string_view part) {
  return reply.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("EXPLAIN replies a sentence for each element",
          "[server][commands][events]") {
  command_fixture run;
  CHECK(run("EXPLAIN k")
        == "*2\r\n" + bulk("The key is missing.")
             + bulk("No other event of the key is recorded."));
  CHECK(run("SET k v PX 250000") == "+OK\r\n");
  CHECK(has(run("EXPLAIN k"), "it expires in 4 min 10 s."));
  CHECK(run("DEL k") == ":1\r\n");
  run.time.advance(1200ms);
  const auto reply = run("EXPLAIN k");
  CHECK(reply.starts_with("*2\r\n" + bulk("The key is missing.")));
  CHECK(has(reply, "It was erased 1.2 s ago (sequence "));
}

TEST_CASE("EXPLAIN is about the current database and is no use of the key",
          "[server][commands][events]") {
  troupe::region_options options;
  options.idle = 10s;
  command_fixture run{options};
  CHECK(run("SET k v") == "+OK\r\n");
  run.time.advance(6s);
  CHECK(has(run("EXPLAIN k"), "it expires in 4.0 s without a read or write"));
  run.time.advance(6s);
  CHECK(has(run("EXPLAIN k"), "It expired 2.0 s ago"));
  CHECK(run("SELECT 1") == "+OK\r\n");
  CHECK(has(run("EXPLAIN k"), "No other event"));
  CHECK(run("FLUSHDB") == "+OK\r\n");
  CHECK(has(run("EXPLAIN k"), "All keys of the region were removed 0 ms ago."));
}

TEST_CASE("EXPLAIN runs in a transaction and refuses what is wrong",
          "[server][commands][events]") {
  troupe::region_options options;
  options.max_key_size = 8;
  command_fixture run{options};
  CHECK(run("MULTI") == "+OK\r\n");
  CHECK(run("SET k v") == "+QUEUED\r\n");
  CHECK(run("EXPLAIN k") == "+QUEUED\r\n");
  const auto replies = run("EXEC");
  CHECK(has(replies, "The key is present"));
  CHECK(run("EXPLAIN").starts_with("-ERR wrong number of arguments"));
  CHECK(run("EXPLAIN a b").starts_with("-ERR wrong number of arguments"));
  CHECK(run("EXPLAIN 123456789").starts_with("-"));
  CHECK(has(run("COMMAND DOCS explain"), "Say why a key is present"));
}
