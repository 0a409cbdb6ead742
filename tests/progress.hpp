#pragma once

// How a test meets the progress of other threads: it waits for it, up to a
// deadline, and never expects that it has happened already. On a busy machine a
// thread may get its first turn seconds after it was started.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

/// How long a test waits for another thread or process: far longer than a busy
/// machine takes, and less than the time limit of a test.
inline constexpr std::chrono::seconds longest_wait{120};

/// Repeats a question until the answer is yes; false when that takes longer than
/// `longest_wait`. For any thread.
template <class F>
[[nodiscard]] bool comes_true(F f) {
  const auto until = std::chrono::steady_clock::now() + longest_wait;
  while (!f()) {
    if (std::chrono::steady_clock::now() >= until)
      return false;
    std::this_thread::yield();
  }
  return true;
}

/// The same, and the test fails when the answer stays no. For the test's own
/// thread, as Catch2's macros are; other threads must not need it to end.
template <class F>
void eventually(F f) {
  REQUIRE(comes_true(std::move(f)));
}

/// Runs `f(number)` on `n` threads that start together.
template <class F>
void crew(int n, F f) {
  std::latch start{n};
  std::vector<std::jthread> threads;
  for (int t = 0; t < n; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      f(t);
    });
}

/// Threads that do a thing again and again while a test does another. They end
/// with the object, also when the test fails.
class busy_crew {
public:
  /// Starts `n` threads; number t calls `make(t)` once and then what that
  /// returned, round after round. Waits until each has done one.
  template <class Make>
  busy_crew(unsigned n, Make make) : rounds_(n) {
    for (unsigned t = 0; t < n; ++t)
      threads_.emplace_back(
        [this, t, round = make(t)](const std::stop_token& stop) mutable {
          while (!stop.stop_requested()) {
            round();
            rounds_[t].fetch_add(1, std::memory_order_release);
          }
        });
    eventually([this] {
      return std::all_of(rounds_.begin(), rounds_.end(),
                         [](auto& done) { return done.load() > 0; });
    });
  }

  busy_crew(const busy_crew&) = delete;
  busy_crew& operator=(const busy_crew&) = delete;

  /// A question to ask again and again: whether each thread has done `n` rounds
  /// that began after this call.
  [[nodiscard]] auto rounds_to_come(std::uint64_t n) const {
    // The round under way began before.
    std::vector<std::uint64_t> wanted;
    for (auto& done : rounds_)
      wanted.push_back(done.load(std::memory_order_acquire) + n + 1);
    return [this, wanted = std::move(wanted)] {
      for (std::size_t t = 0; t < wanted.size(); ++t)
        if (rounds_[t].load(std::memory_order_acquire) < wanted[t])
          return false;
      return true;
    };
  }

  /// Waits until each thread has done `n` rounds that began after the call: so
  /// much of what they do meets what the test does.
  void await_rounds(std::uint64_t n = 1) {
    eventually(rounds_to_come(n));
  }

  /// Ends the threads after the rounds that they are in.
  void stop() {
    for (auto& x : threads_)
      x.request_stop();
    threads_.clear();
  }

private:
  std::vector<std::atomic<std::uint64_t>> rounds_;
  std::vector<std::jthread> threads_;
};
