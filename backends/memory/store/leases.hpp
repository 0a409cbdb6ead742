#pragma once

// Which loads and updates hold leases of a store's keys, and which operations wait for
// them. backends/leases.hpp describes the two kinds of lease.
//
// An invalidation of a key voids its *load lease* by removing it: the commit finds no
// lease and is refused.
//
// Operations that read what they change wait for the end of an *update lease*. A blind
// write (set, erase, clear) does not wait; it overtakes the update: it does not depend
// on what it overwrites, so the update may count as having happened just before it.
// This does not hold when the write found another state than the one that the update
// began with, or reported another state than the update would have left: then the
// update starts again.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <troupe/backends/leases.hpp>
#include <troupe/backends/memory/entries/key_map.hpp>
#include <troupe/backends/memory/store/parked.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe::memory {

/// Not thread-safe: part of a store.
class load_leases {
public:
  /// The load that holds the key's lease; 0: none.
  [[nodiscard]] load_id holder(bytes_view key) const;

  struct lease {
    load_id id = 0;
    std::uint64_t born
      = 0; ///< The sequence of its result; see tag_registry.hpp.
    /// The tags of its result as far as they are known; may be nullptr.
    std::shared_ptr<const load_tags> tags;
    time_point since; ///< When it was granted.
  };

  /// The key's lease, or nullptr.
  [[nodiscard]] const lease* find(bytes_view key) const;

  /// Grants the key's lease, which no load may hold. Throws std::bad_alloc.
  void grant(bytes_view key, lease to);

  /// Ends the lease of `id`; returns whether it still held the lease.
  bool release(bytes_view key, load_id id);

  /// Voids the key's lease; returns the load that held it, 0: none.
  load_id fence(bytes_view key);

  /// Voids all leases, and calls `f(bytes_view key, load_id)` for each.
  template <class F>
  void fence_all(F f) noexcept {
    for (const auto& [key, x] : leases_)
      f(bytes_view{key}, x.id);
    leases_.clear();
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return leases_.size();
  }

private:
  using lease_map = key_map<lease>;

  void remove(lease_map::const_iterator i);

  lease_map leases_;
  /// The node of a lease that ended, for the next one, with the memory of its key.
  lease_map::node_type spare_;
};

/// Part of a store. Not thread-safe, except for `any`.
class update_leases {
public:
  /// Whether any lease is held. From any thread.
  [[nodiscard]] bool any() const noexcept {
    return count_.load(std::memory_order_relaxed) != 0;
  }

  [[nodiscard]] bool held(bytes_view key) const {
    return !leases_.empty() && leases_.find(key) != leases_.end();
  }

  /// The state that the function of an update was given.
  struct snapshot {
    std::uint64_t taken = 0; ///< Its sequence; see tag_registry.hpp.
    bool present = false;    ///< There was a live entry,
    std::vector<bytes> tags; ///< which had these tags.
  };

  /// Grants the lease of a key, which must have none. Throws std::bad_alloc.
  void grant(bytes_view key, std::uint64_t token, time_point deadline,
             snapshot of);

  /// Whether `token` still holds the lease.
  [[nodiscard]] bool holds(bytes_view key, std::uint64_t token) const;

  /// The state that the holder of a lease was given. The key must have a lease.
  [[nodiscard]] const snapshot& given(bytes_view key) const;

  /// A blind write that passed since the lease was granted.
  enum class passed : std::uint8_t {
    none,
    blind,      ///< It reports nothing of the state, which was as given,
    late,       ///< or was not: the entry had expired, was killed or evicted.
    erased,     ///< It reports that there was an entry,
    found_none, ///< or that there was none. The first such write counts.
  };

  [[nodiscard]] passed overtaken(bytes_view key) const;

  /// Records a blind write of `key`.
  void overtake(bytes_view key, passed by) {
    if (!leases_.empty()) [[unlikely]]
      overtake_held(key, by);
  }

  /// Records a blind write of all keys; `by(bytes_view key)` returns what it was for a
  /// key.
  template <class F>
  void overtake_all(F by) noexcept {
    for (auto& [key, x] : leases_)
      if (x.overtaken == passed::none)
        x.overtaken = by(key);
  }

  /// Makes `op` wait for the end of its key's lease, which must be held.
  void park(parked_operation& op);

  /// Removes a waiting operation; false when it does not wait here.
  bool unpark(const parked_operation& op);

  /// Ends a lease. `take_released` returns the operations that waited for it.
  void release(bytes_view key);

  /// Ends the leases whose deadline has passed.
  void release_overdue(time_point now);

  /// Whether `take_released` would return operations.
  [[nodiscard]] bool any_released() const noexcept {
    return !released_.empty();
  }

  /// Operations whose lease ended, in the order of their arrival.
  [[nodiscard]] parked_list take_released() noexcept {
    return std::move(released_);
  }

  /// Ends all leases, like `release`.
  void release_all();

private:
  struct lease {
    std::uint64_t token = 0;
    time_point deadline = never;
    passed overtaken = passed::none;
    snapshot of;
    parked_list waiting;
  };

  void overtake_held(bytes_view key, passed by);
  void publish_count() noexcept {
    count_.store(leases_.size(), std::memory_order_relaxed);
  }

  key_map<lease> leases_;
  std::atomic<std::size_t> count_{0};
  parked_list released_;
};

} // namespace troupe::memory
