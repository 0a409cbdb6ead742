#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include <troupe/messages/interfaces.hpp>

namespace troupe {

/// Where the actors of a region are right now: a restart replaces them. An
/// empty handle means that there is none any more, which is how the runtime
/// lets go of actors that others might still look up. Thread-safe.
class region_directory {
public:
  explicit region_directory(std::size_t shards) : shards_(shards) {
    // nop
  }

  [[nodiscard]] region_actor front() const {
    return front_.get();
  }

  void front(region_actor x) {
    front_.set(std::move(x));
  }

  [[nodiscard]] shard_actor shard(std::size_t index) const {
    return shards_[index].get();
  }

  void shard(std::size_t index, shard_actor x) {
    shards_[index].set(std::move(x));
  }

  void clear() {
    front_.set(region_actor{});
    for (auto& x : shards_)
      x.set(shard_actor{});
  }

private:
  /// A handle under a lock of its own: who asks for one shard does not meet
  /// those who ask for another.
  template <class Handle>
  class alignas(64) slot {
  public:
    Handle get() const {
      std::lock_guard guard{mutex_};
      return handle_;
    }

    /// The old handle is dropped outside the lock: that may end an actor.
    void set(Handle x) {
      // A parameter dies after the locals of the function.
      std::lock_guard guard{mutex_};
      std::swap(handle_, x);
    }

  private:
    mutable std::mutex mutex_;
    Handle handle_;
  };

  slot<region_actor> front_;
  std::vector<slot<shard_actor>> shards_;
};

} // namespace troupe
