#pragma once

#include <cstddef>
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

  [[nodiscard]] actor_slot<region_actor>& front() noexcept {
    return front_;
  }

  [[nodiscard]] const actor_slot<region_actor>& front() const noexcept {
    return front_;
  }

  [[nodiscard]] actor_slot<shard_actor>& shard(std::size_t index) noexcept {
    return shards_[index];
  }

  [[nodiscard]] const actor_slot<shard_actor>&
  shard(std::size_t index) const noexcept {
    return shards_[index];
  }

  void clear() {
    front_.clear();
    for (auto& x : shards_)
      x.clear();
  }

private:
  /// On its own cache line: threads that look up different shards do not share one.
  struct alignas(64) shard_slot : actor_slot<shard_actor> {};

  actor_slot<region_actor> front_;
  std::vector<shard_slot> shards_;
};

} // namespace troupe
