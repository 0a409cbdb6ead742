#pragma once

#include <atomic>
#include <latch>
#include <semaphore>

/// Holds up the threads that pass it, such as loaders, until a test opens it.
class test_gate {
public:
  test_gate() = default;
  test_gate(const test_gate&) = delete;
  test_gate& operator=(const test_gate&) = delete;

  ~test_gate() {
    open();
  }

  void open() {
    if (!opened_.exchange(true))
      latch_.count_down();
  }

  void pass() {
    arrived_.release();
    latch_.wait();
  }

  /// Waits until one more thread has arrived at the gate.
  void await_arrival() {
    arrived_.acquire();
  }

private:
  std::atomic<bool> opened_{false};
  std::latch latch_{1};
  std::counting_semaphore<> arrived_{0};
};
