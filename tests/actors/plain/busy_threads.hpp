#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <random>
#include <string>

#include <troupe/actors/regions/region_declared.hpp>

#include "progress.hpp"

/// Threads that read and write a region while a test changes it. A value begins
/// with its key, so that a reader knows whether it is the right one.
class busy_threads {
public:
  using key_maker = std::function<std::string(std::minstd_rand&)>;

  /// Values are longer than their keys by less than `most_more` bytes.
  busy_threads(troupe::region& where, std::size_t most_more, key_maker key)
    : threads_(3, [=, this, &where](unsigned t) {
        return [=, this, &where, random = std::minstd_rand{t + 1}]() mutable {
          step(where, key(random), most_more, random);
        };
      }) {
    // nop
  }

  /// Waits until each has done a step since the call.
  void await_rounds() {
    threads_.await_rounds();
  }

  /// Ends them; how many wrong values and failed writes there were.
  int stop() {
    threads_.stop();
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

  std::atomic<int> wrong_{0};
  busy_crew threads_;
};
