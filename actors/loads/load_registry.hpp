#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <troupe/backends/leases.hpp>

namespace troupe {

struct load_in_flight;

/// The loads in flight by number. Spread over stripes, so that loads of several threads
/// seldom wait for each other. Thread-safe. Each call takes constant time, but for `all`.
class load_registry {
public:
  /// Adds a load; false after `close`. Throws std::bad_alloc.
  bool add(std::shared_ptr<load_in_flight> x);

  /// Adds a load unless there is one with its number. Returns the one that is there;
  /// nullptr after `close`. Throws std::bad_alloc.
  std::shared_ptr<load_in_flight>
  find_or_add(std::shared_ptr<load_in_flight> x);

  /// Returns the load, or nullptr.
  [[nodiscard]] std::shared_ptr<load_in_flight> find(load_id id);

  /// Removes a load. Returns whether it was the last one; false when it is not there.
  bool remove(load_id id);

  /// Takes no more loads.
  void close() noexcept;

  /// The loads, in no order. Throws std::bad_alloc.
  [[nodiscard]] std::vector<std::shared_ptr<load_in_flight>> all();

  [[nodiscard]] bool closed() const noexcept {
    return closed_.load();
  }

  /// A snapshot.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_.load();
  }

private:
  struct alignas(64) stripe {
    std::mutex mutex;
    std::unordered_map<load_id, std::shared_ptr<load_in_flight>> loads;
    bool closed = false;
  };

  static constexpr std::size_t stripe_count = 16;

  [[nodiscard]] stripe& stripe_of(load_id id) noexcept {
    return stripes_[id % stripe_count];
  }

  std::array<stripe, stripe_count> stripes_;
  std::atomic<std::size_t> size_{0};
  std::atomic<bool> closed_{false};
};

} // namespace troupe
