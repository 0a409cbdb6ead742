#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <troupe/actors/region.hpp>

/// Threads that read and write a region while a test changes it. A value begins
/// with its key, so that a reader knows whether it is the right one.
class busy_threads {
public:
  using key_maker = std::function<std::string(std::minstd_rand&)>;

  /// Values are longer than their keys by less than `most_more` bytes.
  busy_threads(troupe::region& where, std::size_t most_more, key_maker key) {
    for (unsigned t = 0; t < 3; ++t)
      threads_.emplace_back([this, &where, most_more, key, t] {
        std::minstd_rand random{t + 1};
        while (!stop_.load(std::memory_order_relaxed))
          step(where, key(random), most_more, random);
      });
  }

  ~busy_threads() {
    stop();
  }

  busy_threads(const busy_threads&) = delete;
  busy_threads& operator=(const busy_threads&) = delete;

  /// Ends them; how many wrong values and failed writes there were.
  int stop() {
    stop_ = true;
    for (auto& x : threads_)
      x.join();
    threads_.clear();
    return wrong_;
  }

private:
  void step(troupe::region& where, const std::string& key,
            std::size_t most_more, std::minstd_rand& random) {
    auto value = key + std::string(random() % most_more, '.');
    if (random() % 3 == 0) {
      auto found = where.get(key);
      if (found && *found && (*found)->substr(0, key.size()) != key)
        ++wrong_;
    } else if (!where.set(key, value)) {
      ++wrong_;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<int> wrong_{0};
  std::vector<std::thread> threads_;
};
