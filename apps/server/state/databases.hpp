#pragma once

// The numbered databases behind SELECT: each a region of its own, so that no
// key of one is seen in another.

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <troupe/messages/types/error.hpp>

namespace troupe {

class region;

namespace memory {

class shard_map;

} // namespace memory

} // namespace troupe

namespace troupe::server {

/// The shards of a database, for joint turns and their plans. Precondition: `databases`
/// has opened it, and so has seen that its provider has joint turns.
[[nodiscard]] memory::shard_map& shards_of(region& database) noexcept;

/// Opens a database when it is first selected: an empty one has the tables of
/// its shards already. None is closed again. Thread-safe after `start`.
class databases {
public:
  using opener
    = std::function<expected<std::shared_ptr<region>>(std::size_t index)>;

  /// From now on there are `count` databases, at least one; opens number 0.
  /// `open` is called once for each of them that succeeds, one at a time.
  /// Errors: those of `open`.
  expected<void> start(std::size_t count, opener open);

  [[nodiscard]] std::size_t count() const noexcept {
    return count_;
  }

  /// Database `index`, which is below `count`. Errors: those of the opener;
  /// `overloaded`, when others were kept out for 2 s, and nothing has changed.
  expected<region*> open(std::size_t index);

  /// No database is opened until the result is destroyed. Without the lock when others
  /// have kept it for 2 s: a caller inside of a transaction may be what they wait for.
  [[nodiscard]] std::unique_lock<std::timed_mutex> keep_as_they_are();

  /// The same when it was opened before; nullptr otherwise.
  [[nodiscard]] region* find(std::size_t index) const noexcept {
    return opened_[index].load(std::memory_order_acquire);
  }

  /// As above for one that is known to be open.
  [[nodiscard]] region& operator[](std::size_t index) const noexcept {
    return *find(index);
  }

  /// Calls `f(std::size_t index, region&)` for each that is open, in order.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = 0; i < count_; ++i)
      if (auto* const x = find(i))
        f(i, *x);
  }

private:
  std::size_t count_ = 0;
  opener opener_;
  // Read by every command, without the mutex.
  std::unique_ptr<std::atomic<region*>[]> opened_;
  std::timed_mutex mutex_;
  std::vector<std::shared_ptr<region>> owned_; // Under the mutex.
};

} // namespace troupe::server
