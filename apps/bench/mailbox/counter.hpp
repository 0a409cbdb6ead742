#pragma once

// One counter that many threads add to, and ways to admit one thread at a time. The
// addition costs nearly nothing, so the measured time is the cost of the way.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/fwd.hpp>

namespace troupe {

class runtime;

} // namespace troupe

namespace troupe::bench {

/// A way to add to a counter. An addition has happened when it returns, unless
/// `what` says otherwise.
class counter {
public:
  counter(std::string name, std::string what)
    : name_(std::move(name)), what_(std::move(what)) {
    // nop
  }

  virtual ~counter() = default;

  /// A word for JSON.
  [[nodiscard]] const std::string& name() const noexcept {
    return name_;
  }

  [[nodiscard]] const std::string& what() const noexcept {
    return what_;
  }

  /// Whether this number of threads may use it at once.
  [[nodiscard]] virtual bool takes([[maybe_unused]] std::size_t threads) const {
    return true;
  }

  /// Whether an addition is so slow that a pass makes only a few.
  [[nodiscard]] virtual bool slow() const {
    return false;
  }

  /// Adds 1 `count` times. Called by several threads at once.
  virtual void add(std::uint64_t count) = 0;

  /// The sum so far. Called while no thread adds.
  [[nodiscard]] virtual std::uint64_t value() = 0;

private:
  std::string name_;
  std::string what_;
};

using counter_list = std::vector<std::unique_ptr<counter>>;

// What each source file has to offer.
void add_locks(counter_list& list);
void add_lanes(counter_list& list);
void add_actors(counter_list& list, caf::actor_system& system);
void add_lane_actors(counter_list& list, caf::actor_system& system);
void add_region_counters(counter_list& list, runtime& home);

} // namespace troupe::bench
