#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <troupe/actors/shell/actor_slot.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

/// The actors of a region. Thread-safe.
class region_directory {
public:
  explicit region_directory(std::size_t shards) : shards_(shards) {
    // nop
  }

  region_directory(const region_directory&) = delete;
  region_directory& operator=(const region_directory&) = delete;

  ~region_directory() {
    for (auto& x : shards_)
      delete x.load(std::memory_order_acquire);
  }

  [[nodiscard]] actor_slot<region_actor>& front() noexcept {
    return front_;
  }

  [[nodiscard]] const actor_slot<region_actor>& front() const noexcept {
    return front_;
  }

  /// The actor of a shard; nullptr while it has none.
  [[nodiscard]] caf::strong_actor_ptr shard(std::size_t index) const {
    auto* slot = shards_[index].load(std::memory_order_acquire);
    return slot == nullptr ? caf::strong_actor_ptr{} : slot->pointer();
  }

  /// Throws std::bad_alloc.
  void set_shard(std::size_t index, shard_actor x) {
    auto& place = shards_[index];
    auto* slot = place.load(std::memory_order_acquire);
    if (slot == nullptr) {
      auto fresh = std::make_unique<shard_slot>();
      if (place.compare_exchange_strong(slot, fresh.get(),
                                        std::memory_order_acq_rel))
        slot = fresh.release();
    }
    slot->set(std::move(x));
  }

  void clear() {
    front_.clear();
    for (auto& x : shards_)
      if (auto* slot = x.load(std::memory_order_acquire); slot != nullptr)
        slot->clear();
  }

private:
  /// On its own cache line: threads that look up different shards do not share one.
  struct alignas(64) shard_slot : actor_slot<shard_actor> {};

  actor_slot<region_actor> front_;
  /// Made with the first actor of the shard: most regions use few shards.
  std::vector<std::atomic<shard_slot*>> shards_;
};

} // namespace troupe
