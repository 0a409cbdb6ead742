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

/// The loads in flight by number. A number names a stripe, that of the thread that took
/// the number, so that loads of several threads seldom share a cache line. Thread-safe.
/// Each call takes constant time, but for `all`.
class load_registry {
public:
  /// A number for a new load: larger than all before.
  [[nodiscard]] load_id next_id() noexcept {
    const auto number = next_.fetch_add(1, std::memory_order_relaxed);
    return number * stripe_count + own_stripe();
  }

  /// Adds a load with a number from `next_id`; false after `close`. Throws
  /// std::bad_alloc.
  bool add(std::shared_ptr<load_in_flight> x);

  /// Adds a load unless there is one with its number. Returns the one that is there;
  /// nullptr after `close`. Throws std::bad_alloc.
  std::shared_ptr<load_in_flight>
  find_or_add(std::shared_ptr<load_in_flight> x);

  /// Returns the load, or nullptr.
  [[nodiscard]] std::shared_ptr<load_in_flight> find(load_id id);

  /// Removes a load. Returns whether the registry is closed and empty now; false when the
  /// load is not there. Several threads may get true.
  bool remove(load_id id);

  /// Takes no more loads.
  void close() noexcept;

  /// The loads, in no order. Throws std::bad_alloc.
  [[nodiscard]] std::vector<std::shared_ptr<load_in_flight>> all();

  [[nodiscard]] bool closed() const noexcept {
    return closed_.load();
  }

  /// A snapshot.
  [[nodiscard]] std::size_t size() const noexcept;

private:
  using load_map = std::unordered_map<load_id, std::shared_ptr<load_in_flight>>;

  struct alignas(64) stripe {
    std::mutex mutex;
    load_map loads;
    /// The node of a load that ended, for the next one; its pointer is empty.
    load_map::node_type spare;
    bool closed = false;
    /// Of `loads`; written with the mutex.
    std::atomic<std::size_t> size{0};
  };

  static constexpr std::size_t stripe_count = 16;

  [[nodiscard]] stripe& stripe_of(load_id id) noexcept {
    return stripes_[id % stripe_count];
  }

  [[nodiscard]] static std::size_t own_stripe() noexcept;

  std::array<stripe, stripe_count> stripes_;
  std::atomic<load_id> next_{1};
  std::atomic<bool> closed_{false};
};

} // namespace troupe
