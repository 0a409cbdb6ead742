#include <troupe/backends/core/lane.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "backends/core/thread_executor.hpp"
#include "catch.hpp"
#include "progress.hpp"

using namespace troupe;

namespace {

template <class F>
void run(lane& where, F f) {
  blocking_task<F> task{f};
  where.run(task);
}

} // namespace

TEST_CASE("an idle lane runs a task on the thread that brings it", "[lane]") {
  thread_executor executor;
  lane uut{executor};
  std::thread::id where;
  run(uut, [&]() noexcept {
    where = std::this_thread::get_id();
    CHECK(uut.running_here());
  });
  CHECK(where == std::this_thread::get_id());
  CHECK(!uut.running_here());
  CHECK(uut.handled() == 1);
  CHECK(uut.depth() == 0);
}

TEST_CASE("tasks of many threads run one at a time and none is lost",
          "[lane]") {
  constexpr int threads = 4;
  constexpr int rounds = 20'000;
  thread_executor executor;
  lane uut{executor};
  int plain = 0; // Unprotected but for the lane: ThreadSanitizer's to judge.
  std::latch start{threads};
  std::vector<std::thread> crew;
  for (int t = 0; t < threads; ++t)
    crew.emplace_back([&] {
      start.arrive_and_wait();
      for (int i = 0; i < rounds; ++i)
        run(uut, [&]() noexcept { ++plain; });
    });
  for (auto& x : crew)
    x.join();
  CHECK(plain == threads * rounds);
  CHECK(uut.handled() == threads * rounds);
  CHECK(uut.depth() == 0);
}

TEST_CASE("tasks of one thread run in the order of their submission",
          "[lane]") {
  constexpr int threads = 3;
  constexpr int rounds = 10'000;
  struct record {
    int next[threads] = {};
    bool ordered = true;
  };
  thread_executor executor;
  lane uut{executor};
  record seen;
  std::latch start{threads};
  std::vector<std::thread> crew;
  for (int t = 0; t < threads; ++t)
    crew.emplace_back([&, t] {
      start.arrive_and_wait();
      // Every seventh is waited for, the others are detached.
      for (int i = 0; i < rounds; ++i) {
        auto task = [&seen, t, i]() noexcept {
          seen.ordered = seen.ordered && seen.next[t] == i;
          ++seen.next[t];
        };
        if (i % 7 == 0)
          run(uut, task);
        else
          submit(uut, task);
      }
      run(uut, []() noexcept {});
    });
  for (auto& x : crew)
    x.join();
  CHECK(seen.ordered);
  for (auto n : seen.next)
    CHECK(n == rounds);
}

TEST_CASE("a runner hands over after a bounded number of foreign tasks",
          "[lane]") {
  constexpr std::size_t extra = 10;
  thread_executor executor;
  lane uut{executor};
  std::size_t here = 0;
  std::atomic<std::size_t> elsewhere{0};
  std::latch done{1};
  auto self = std::this_thread::get_id();
  run(uut, [&]() noexcept {
    // Submitted while the lane runs, so all of them queue behind this task.
    auto n = lane::hand_over_after + extra;
    for (std::size_t i = 1; i <= n; ++i)
      submit(uut, [&, i, n]() noexcept {
        if (std::this_thread::get_id() == self)
          ++here;
        else
          ++elsewhere;
        if (i == n)
          done.count_down();
      });
    CHECK(uut.depth() == n);
  });
  done.wait();
  CHECK(here == lane::hand_over_after - 1); // The first was this thread's own.
  CHECK(elsewhere == extra + 1);
  CHECK(executor.scheduled() == 1);
  // The executor may still be on its way out of the lane.
  run(uut, []() noexcept {});
  CHECK(uut.depth() == 0);
}

TEST_CASE("a blocked caller takes over the runner's role", "[lane]") {
  // One thread keeps the lane busy with itself; with nothing but waiting
  // callers behind, no hand-over goes to the executor.
  constexpr int threads = 4;
  thread_executor executor;
  lane uut{executor};
  std::atomic<std::size_t> handled{0};
  std::vector<std::thread> crew;
  std::latch start{threads};
  for (int t = 0; t < threads; ++t)
    crew.emplace_back([&] {
      start.arrive_and_wait();
      for (int i = 0; i < 20'000; ++i)
        run(uut, [&]() noexcept {
          handled.store(handled.load(std::memory_order_relaxed) + 1,
                        std::memory_order_relaxed);
        });
    });
  for (auto& x : crew)
    x.join();
  CHECK(handled == threads * 20'000);
  CHECK(executor.scheduled() == 0);
}

TEST_CASE("try_run refuses a busy lane", "[lane]") {
  thread_executor executor;
  lane uut{executor};
  auto outcome = true;
  run(uut, [&]() noexcept {
    auto never_run = []() noexcept { FAIL("must not run"); };
    blocking_task<decltype(never_run)> inner{never_run};
    outcome = uut.try_run(inner);
  });
  CHECK(!outcome);
  auto ran = false;
  auto f = [&]() noexcept { ran = true; };
  blocking_task<decltype(f)> task{f};
  CHECK(uut.try_run(task));
  CHECK(ran);
}

TEST_CASE("a task may find another lane idle and run it inside", "[lane]") {
  thread_executor executor;
  lane outer{executor};
  lane inner{executor};
  std::vector<int> order;
  run(outer, [&]() noexcept {
    submit(inner, [&]() noexcept {
      CHECK(outer.running_here());
      CHECK(inner.running_here());
      order.push_back(1);
      // The outer lane is busy with the caller, so this waits for its turn.
      submit(outer, [&]() noexcept { order.push_back(3); });
    });
    order.push_back(2);
  });
  CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("a detached task is freed after it ran", "[lane]") {
  thread_executor executor;
  lane uut{executor};
  auto alive = std::make_shared<int>(1);
  submit(uut, [alive]() noexcept {});
  CHECK(alive.use_count() == 1);
}

TEST_CASE("a held lane runs nothing until it is left", "[lane]") {
  thread_executor executor;
  lane uut{executor};
  int plain = 0;
  std::vector<std::thread> crew;
  {
    lane_hold hold{uut};
    CHECK(uut.held_here());
    CHECK(uut.running_here());
    for (int t = 0; t < 3; ++t)
      crew.emplace_back([&] { run(uut, [&]() noexcept { ++plain; }); });
    submit(uut, [&]() noexcept { ++plain; });
    // The threads wait for this one, so that it must not throw.
    const auto queued = comes_true([&] { return uut.depth() == 4; });
    CHECK(queued);
    CHECK(plain == 0);
    CHECK(uut.handled() == 0);
  }
  for (auto& x : crew)
    x.join();
  CHECK(!uut.held_here());
  run(uut, [&]() noexcept { CHECK(!uut.held_here()); });
  CHECK(plain == 4);
}

TEST_CASE("holding and running share one order", "[lane]") {
  constexpr int threads = 4;
  constexpr int rounds = 5'000;
  thread_executor executor;
  lane uut{executor};
  int plain = 0; // Unprotected but for the lane: ThreadSanitizer's to judge.
  std::latch start{threads};
  std::vector<std::thread> crew;
  for (int t = 0; t < threads; ++t)
    crew.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < rounds; ++i) {
        if ((i + t) % 3 == 0)
          submit(uut, [&]() noexcept { ++plain; });
        else if ((i + t) % 3 == 1)
          run(uut, [&]() noexcept { ++plain; });
        else {
          lane_hold hold{uut};
          ++plain;
        }
      }
    });
  for (auto& x : crew)
    x.join();
  run(uut, [&]() noexcept { CHECK(plain == threads * rounds); });
  CHECK(uut.depth() == 0);
}
