#pragma once

#include <mutex>
#include <utility>

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>

namespace troupe {

/// The present handle of an actor, which a restart replaces. An empty handle: there is
/// no actor any more; so the runtime releases actors that others may still look up.
/// Thread-safe.
template <class Handle>
class actor_slot {
public:
  [[nodiscard]] Handle get() const {
    std::lock_guard guard{mutex_};
    return handle_;
  }

  /// The same without the type.
  [[nodiscard]] caf::strong_actor_ptr pointer() const {
    return caf::actor_cast<caf::strong_actor_ptr>(get());
  }

  void set(Handle x) {
    // The old handle is released outside of the lock, because that may end an actor: a
    // parameter is destroyed after the locals of the function.
    std::lock_guard guard{mutex_};
    std::swap(handle_, x);
  }

  void clear() {
    set(Handle{});
  }

private:
  mutable std::mutex mutex_;
  Handle handle_;
};

} // namespace troupe
