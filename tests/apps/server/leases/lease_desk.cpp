// The desk alone, with clients on several threads.

#include "apps/server/leases/lease_desk.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <latch>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "actors/plain/fixture.hpp"
#include "apps/server/leases/lease_token.hpp"
#include "catch.hpp"

using namespace troupe::server;
using namespace std::chrono_literals;

namespace {

// The answer to one question, which a thread waits for.
class awaited_answer {
public:
  bool put(const lease_answer& x) {
    if (state_.exchange(answering) != waiting)
      return false;
    answer_ = x;
    state_ = answered;
    state_.notify_all();
    return true;
  }

  // The client goes; false when it was answered before.
  bool give_up() {
    auto expected = waiting;
    if (!state_.compare_exchange_strong(expected, gone))
      return false;
    stop_.request_stop();
    return true;
  }

  const lease_answer& get() {
    for (auto x = state_.load(); x != answered; x = state_.load())
      state_.wait(x);
    return answer_;
  }

  [[nodiscard]] std::stop_token token() const {
    return stop_.get_token();
  }

private:
  enum state : int { waiting, answering, answered, gone };

  std::atomic<state> state_{waiting};
  lease_answer answer_;
  std::stop_source stop_;
};

struct desk_fixture : region_fixture {
  std::shared_ptr<awaited_answer> ask(const std::string& key,
                                      std::uint64_t client) {
    auto result = std::make_shared<awaited_answer>();
    lease_request request;
    request.client = client;
    request.lasts = 10s;
    request.waits = true;
    request.answer = [result](const lease_answer& x) { return result->put(x); };
    request.gone = result->token();
    if (!desk->ask(*uut, key, std::move(request)))
      std::abort();
    return result;
  }

  bool store(const std::string& key, const lease_grant& lease) {
    auto result = std::make_shared<std::atomic<int>>(-1);
    desk->store(*uut, key, lease.token, "v", {},
                [result](troupe::expected<bool> x) {
                  *result = x.value() ? 1 : 0;
                  result->notify_all();
                });
    result->wait(-1);
    return *result == 1;
  }

  std::shared_ptr<lease_desk> desk = std::make_shared<lease_desk>();
};

} // namespace

TEST_CASE("of threads that ask for a key, one has its lease at a time",
          "[server][leases][threads]") {
  desk_fixture run;
  constexpr int rounds = 200;
  std::atomic<int> stored{0};
  for (int round = 0; round < rounds; ++round) {
    const auto key = "k" + std::to_string(round);
    constexpr int threads = 4;
    std::latch start{threads};
    std::atomic<int> loading{0};
    std::atomic<bool> together{false};
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; ++i)
      all.emplace_back([&, i] {
        start.arrive_and_wait();
        const auto answer = run.ask(key, static_cast<std::uint64_t>(i) + 1);
        const auto* const lease = std::get_if<lease_grant>(&answer->get());
        if (lease == nullptr)
          return;
        if (++loading > 1)
          together = true;
        --loading;
        // Some give up, so that another one inherits.
        if ((round + i) % 3 == 0)
          run.desk->drop(*run.uut, key, lease->token);
        else
          stored += run.store(key, *lease) ? 1 : 0;
      });
    all.clear();
    CHECK_FALSE(together);
    CHECK(run.desk->idle());
  }
  CHECK(stored > 0);
  CHECK(stored <= rounds);
}

TEST_CASE("clients that leave, writers and ticks leave nothing behind",
          "[server][leases][threads]") {
  desk_fixture run;
  constexpr int threads = 4;
  constexpr int rounds = 500;
  std::vector<std::jthread> all;
  for (int i = 0; i < threads; ++i)
    all.emplace_back([&, i] {
      std::minstd_rand random{static_cast<unsigned>(i + 1)};
      for (int round = 0; round < rounds; ++round) {
        const auto key = "k" + std::to_string(random() % 3);
        const auto client = static_cast<std::uint64_t>(i) + 1;
        const auto answer = run.ask(key, client);
        switch (random() % 6) {
          case 0:
            if (!run.uut->erase(key))
              std::abort();
            break;
          case 1:
            if (!run.uut->set(key, "other"))
              std::abort();
            break;
          case 2:
            run.desk->tick();
            break;
          default:
            break;
        }
        if (random() % 2 == 0 && answer->give_up()) {
          run.desk->leave(client);
          continue;
        }
        const auto* const lease = std::get_if<lease_grant>(&answer->get());
        if (lease == nullptr)
          continue;
        if (random() % 3 == 0)
          run.desk->leave(client);
        else
          run.store(key, *lease);
        if (!run.uut->erase(key))
          std::abort();
      }
    });
  all.clear();
  CHECK(run.desk->idle());
  CHECK(run.desk->figures().waiting == 0);
}

TEST_CASE("a client that was gone before it asks does not wait",
          "[server][leases]") {
  desk_fixture run;
  const auto first = run.ask("k", 1);
  CHECK(std::holds_alternative<lease_grant>(first->get()));
  auto gone = std::make_shared<awaited_answer>();
  CHECK(gone->give_up());
  lease_request request;
  request.client = 2;
  request.lasts = 1s;
  request.waits = true;
  request.answer = [gone](const lease_answer& x) { return gone->put(x); };
  request.gone = gone->token();
  CHECK(run.desk->ask(*run.uut, troupe::bytes_view{"k"}, std::move(request)));
  CHECK(run.desk->figures().waiting == 0);
  run.desk->leave(1);
  CHECK(run.desk->idle());
}

TEST_CASE("a desk ends its leases when it ends", "[server][leases]") {
  desk_fixture run;
  const auto first = run.ask("k", 1);
  CHECK(std::holds_alternative<lease_grant>(first->get()));
  run.desk = std::make_shared<lease_desk>();
  const auto loaded = run.uut->get_or_set(
    troupe::bytes_view{"k"},
    [](
      troupe::load_context&) -> troupe::expected<std::optional<troupe::bytes>> {
      return troupe::bytes{"v"};
    });
  CHECK(loaded.value() == "v");
}

TEST_CASE("tokens differ, and only the same token is the same",
          "[server][leases]") {
  const auto a = make_token(1);
  CHECK(a.size() == 48);
  CHECK(a.substr(0, 16) == "0000000000000001");
  CHECK(a != make_token(1));
  CHECK(same_token(a, a));
  CHECK_FALSE(same_token(a, a.substr(1)));
  CHECK_FALSE(same_token(a, make_token(1)));
  CHECK_FALSE(same_token("", ""));
}
