#include "catch.hpp"

#include <string>

#include "apps/bench/net/client.hpp"
#include "apps/bench/net/constants.hpp"
#include "apps/bench/net/settings.hpp"

using namespace troupe;
using namespace troupe::bench;

namespace {

const std::string csv_head
  = R"("test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms",)"
    R"("p95_latency_ms","p99_latency_ms","max_latency_ms")"
    "\n";

std::string csv_with_rate(const std::string& rate) {
  return csv_head + "\"GET\",\"" + rate
         + R"(","0.289","0.080","0.255","0.519","0.959","1.607")" + "\n";
}

} // namespace

TEST_CASE("redis-benchmark's figures are found by the names of their columns") {
  auto figures = read_csv(csv_with_rate("1530612.25"));
  REQUIRE(figures);
  CHECK_THAT(figures->rate, Catch::Matchers::WithinAbs(1530612.25, 0.001));
  CHECK_THAT(figures->p99, Catch::Matchers::WithinAbs(0.959, 0.0001));
  figures = read_csv("\"p99_latency_ms\",\"rps\"\n\"2.5\",\"100.00\"");
  REQUIRE(figures);
  CHECK_THAT(figures->rate, Catch::Matchers::WithinAbs(100, 0.001));
  CHECK_THAT(figures->p99, Catch::Matchers::WithinAbs(2.5, 0.0001));
}

TEST_CASE("a run of redis-benchmark may be too short for its clock") {
  for (auto* rate : {"inf", "0.00", "-nan", "nan"}) {
    INFO(rate);
    auto figures = read_csv(csv_with_rate(rate));
    REQUIRE_FALSE(figures);
    CHECK(figures.error() == errc::invalid_argument);
  }
}

TEST_CASE("what is no table of redis-benchmark is refused") {
  for (auto& text :
       {std::string{}, csv_head, std::string{"GET: 100.00 requests"},
        std::string{"\"test\",\"rps\"\n\"GET\",\"5\"\n"}}) {
    INFO(text);
    auto figures = read_csv(text);
    REQUIRE_FALSE(figures);
    CHECK(figures.error() == errc::decode_failed);
  }
}

TEST_CASE("keys are called as redis-benchmark calls them") {
  CHECK(drawn_key(0) == "key:000000000000");
  CHECK(drawn_key(999'999) == "key:000000999999");
}

TEST_CASE("requests are counted by their asterisks") {
  const std::string get = "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000001\r\n";
  CHECK(count_requests("") == 0);
  CHECK(count_requests(get) == 1);
  CHECK(count_requests(get + get + get.substr(0, 1)) == 3);
  CHECK(count_requests(get.substr(1)) == 0);
}

TEST_CASE("the first command of a connection chooses the answer to all") {
  auto answer = [](const std::string& request) {
    return constant_answer(request.substr(0, telling_bytes), 3);
  };
  CHECK(answer("*2\r\n$3\r\nGET\r\n$1\r\na\r\n") == "$3\r\nxxx\r\n");
  CHECK(answer("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n") == "+OK\r\n");
  CHECK(answer("*2\r\n$4\r\nINCR\r\n$1\r\na\r\n") == ":1\r\n");
  CHECK(answer("*21\r\n$4\r\nMSET\r\n$1\r\na\r\n") == "+OK\r\n");
  CHECK(answer("*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$4\r\nsave\r\n")
        == "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  CHECK(answer("*1\r\n") == "+OK\r\n");
}

TEST_CASE("an MSET counts for ten requests") {
  net_settings how;
  how.requests = 5'000;
  how.slow_requests = 700;
  CHECK(how.requests_of("get", 16) == 5'000);
  CHECK(how.requests_of("set", 1) == 700);
  CHECK(how.requests_of("mset", 16) == 500);
  CHECK(how.requests_of("mset", 1) == 70);
}

TEST_CASE("net refuses what makes no sense") {
  CHECK(net_settings{}.check());
  auto refused = [](auto change) {
    net_settings how;
    change(how);
    auto ok = how.check();
    return ok ? std::string{} : ok.error().text();
  };
  CHECK(refused([](auto& x) { x.keys = 0; }).find("--keys") == 0);
  CHECK(refused([](auto& x) { x.requests = 9; }).find("--requests") == 0);
  CHECK(refused([](auto& x) { x.clients = 0; }).find("--clients") == 0);
  CHECK(refused([](auto& x) { x.pipelines = "1,0"; }).find("--pipelines") == 0);
  CHECK(refused([](auto& x) { x.sizes = "big"; }).find("--sizes") == 0);
  CHECK(refused([](auto& x) { x.tests = "lpush"; }).find("--tests") == 0);
  CHECK(refused([](auto& x) { x.contestants = "valkey"; }).find("--contestants")
        == 0);
}
