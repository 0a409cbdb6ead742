#include <troupe/backends/core/worker_pool.hpp>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <set>
#include <thread>

#include "catch.hpp"

using namespace troupe;
using std::chrono::steady_clock;

namespace {

/// Ends a test: what the jobs refer to on its stack must outlive them.
void await_end(worker_pool& x) {
  CHECK(x.stop(steady_clock::time_point::max()) == 0);
}

} // namespace

TEST_CASE("jobs run on threads of the pool", "[workers]") {
  worker_pool uut{4, 100};
  std::promise<std::thread::id> where;
  REQUIRE(uut.post([&] { where.set_value(std::this_thread::get_id()); }));
  CHECK(where.get_future().get() != std::this_thread::get_id());
  CHECK(uut.threads() == 1);
  await_end(uut);
}

TEST_CASE("a blocked job does not hold up the next while threads are left",
          "[workers]") {
  worker_pool uut{2, 100};
  std::latch blocked{1};
  std::latch ran{1};
  REQUIRE(uut.post([&] { blocked.wait(); }));
  REQUIRE(uut.post([&] { ran.count_down(); }));
  ran.wait();
  CHECK(uut.threads() == 2);
  blocked.count_down();
  await_end(uut);
}

TEST_CASE("a full queue refuses jobs", "[workers]") {
  worker_pool uut{1, 1};
  std::latch running{1};
  std::latch blocked{1};
  REQUIRE(uut.post([&] {
    running.count_down();
    blocked.wait();
  }));
  running.wait();
  REQUIRE(uut.post([] {}));
  CHECK(uut.waiting() == 1);
  auto refused = uut.post([] {});
  REQUIRE(!refused);
  CHECK(refused.error() == errc::overloaded);
  blocked.count_down();
  await_end(uut);
}

TEST_CASE("a stopped pool waits for what runs and drops what waits",
          "[workers]") {
  auto dropped = std::make_shared<int>();
  std::atomic<bool> finished{false};
  worker_pool uut{1, 10};
  std::latch running{1};
  REQUIRE(uut.post([&] {
    running.count_down();
    finished = true;
  }));
  running.wait();
  REQUIRE(uut.post([dropped] {}));
  await_end(uut);
  CHECK(finished);
  CHECK(dropped.use_count() == 1);
  auto late = uut.post([] {});
  REQUIRE(!late);
  CHECK(late.error() == errc::shutting_down);
}

TEST_CASE("a stuck job does not hold up the end of the pool", "[workers]") {
  auto latch = std::make_shared<std::latch>(1);
  auto running = std::make_shared<std::latch>(1);
  auto ended = std::make_shared<std::promise<void>>();
  auto future = ended->get_future();
  {
    worker_pool uut{1, 10};
    REQUIRE(uut.post([=] {
      running->count_down();
      latch->wait();
      ended->set_value();
    }));
    running->wait();
    CHECK(uut.stop(steady_clock::now()) == 1);
  }
  latch->count_down();
  future.get(); // The thread lived on and ended on its own.
}
