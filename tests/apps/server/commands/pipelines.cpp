// Commands of one buffer, which look ahead, against the same commands one by one.

#include <random>
#include <string>
#include <vector>

#include "apps/server/fixture.hpp"
#include "catch.hpp"

using namespace std::chrono_literals;
using namespace troupe::server;

namespace {

using words = std::vector<std::string>;

/// Commands of all kinds, over few keys, so that they meet.
class command_source {
public:
  explicit command_source(unsigned seed) : random_(seed) {
    // nop
  }

  words next() {
    switch (below(14)) {
      case 0:
      case 1:
      case 2:
        return {"GET", key()};
      case 3:
      case 4:
      case 5:
        return {"SET", key(), value()};
      case 6:
        return {"INCR", key()};
      case 7:
        return {"DEL", key(), key()};
      case 8:
        return {"SET", key(), value(), "PX", std::to_string(below(40) + 1)};
      case 9:
        return {"PTTL", key()};
      case 10:
        return {"SELECT", std::to_string(below(3))};
      case 11:
        return {below(3) == 0 ? "MULTI" : "EXEC"};
      case 12:
        return {below(2) == 0 ? "NOSUCH" : "GET"};
      default:
        return {"MGET", key(), key()};
    }
  }

  std::size_t below(std::size_t n) {
    return random_() % n;
  }

private:
  std::string key() {
    // Of all lengths, the longest beyond what is looked at ahead.
    const auto i = below(24);
    return std::string(i * i * 2, 'k') + std::to_string(i);
  }

  std::string value() {
    return below(3) == 0 ? std::to_string(below(1000))
                         : std::string(below(300), '\xff');
  }

  std::mt19937 random_;
};

} // namespace

TEST_CASE("a pipeline answers as its commands do one by one",
          "[server][pipelines]") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    command_fixture together;
    command_fixture apart;
    command_source source{seed};
    for (int round = 0; round < 5; ++round) {
      std::string all;
      std::string expected;
      for (auto n = source.below(200); n > 0; --n) {
        const auto command = source.next();
        all += resp(command);
        expected += apart.run(command);
      }
      REQUIRE(together.send(all) == expected);
      together.time.advance(10ms);
      apart.time.advance(10ms);
    }
    for (const auto which : {&thread_counters::commands, &thread_counters::hits,
                             &thread_counters::misses})
      CHECK(together.state.threads.sum(which)
            == apart.state.threads.sum(which));
  }
}

TEST_CASE("values in a pipeline are limited one by one",
          "[server][pipelines]") {
  troupe::region_options options;
  options.max_value_size = 10;
  command_fixture run{options};
  const auto large = resp({"SET", "a", "12345678901"});
  const auto replies
    = run.send(resp({"SET", "a", "1"}) + large + resp({"SET", "b", "2"})
               + resp({"GET", "a"}) + resp({"GET", "b"}));
  const auto end = "+OK\r\n" + bulk("1") + bulk("2");
  CHECK(replies.starts_with("+OK\r\n-ERR value is too large"));
  CHECK(replies.ends_with(end));
}

TEST_CASE("to fetch keys ahead changes nothing", "[server][pipelines]") {
  command_fixture run;
  REQUIRE(run.run({"SET", "a", "1"}) == "+OK\r\n");
  const auto before = run.uut->stats();
  const std::vector<troupe::upcoming_key> keys(40, {"a", true});
  run.uut->prefetch(keys);
  run.uut->prefetch({});
  const std::vector<troupe::upcoming_key> others{{"b", true}, {"", false}};
  run.uut->prefetch(others);
  const auto after = run.uut->stats();
  CHECK(after.keys == 1);
  CHECK(after.handled == before.handled);
  CHECK(after.charged == before.charged);
  CHECK(run.run({"GET", "a"}) == bulk("1"));
}
