#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::bench {

/// The pool of the peers: a mutex, a condition variable and a queue. It starts a thread
/// when a job finds none idle, up to `most_threads`, as Troupe's does. Thread-safe.
class thread_pool {
public:
  thread_pool() = default;
  ~thread_pool();

  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  void post(std::function<void()> job);

  /// Runs `f` on a thread of the pool and waits for its result.
  template <class F>
  std::string ask(F&& f) {
    auto made = std::make_shared<std::promise<std::string>>();
    auto result = made->get_future();
    post([made, &f] { made->set_value(f()); });
    return result.get();
  }

private:
  static constexpr std::size_t most_threads = 64;

  void live();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::size_t idle_ = 0;
  bool over_ = false;
  std::vector<std::thread> threads_;
};

} // namespace troupe::bench
