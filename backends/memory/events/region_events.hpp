#pragma once

#include <mutex>

#include <troupe/backends/memory/events/event_ring.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/events/key_event.hpp>

namespace troupe::memory {

/// The events that concern all keys of a region, or those of a tag or a namespace. Each
/// is recorded once, not in every shard. Thread-safe: such an event visits all shards, so
/// a mutex adds little.
class region_events {
public:
  /// `time` must outlive it.
  explicit region_events(const clock& time) noexcept : time_(time) {
    // nop
  }

  /// Records an event of the present moment; `name`: of the tag or namespace.
  void add(key_event_kind kind, bytes_view name = {}) noexcept {
    const auto now = time_.now();
    std::lock_guard guard{mutex_};
    ring_.add({kind, kind, no_version, now, name});
  }

  /// Calls `f(const key_event&)` for the events with this name, newest first, until it
  /// returns false. `f` must be brief. Throws std::bad_alloc.
  template <class F>
  void visit(bytes_view name, F f) const {
    std::lock_guard guard{mutex_};
    ring_.visit(name, f);
  }

private:
  const clock& time_;
  mutable std::mutex mutex_;
  event_ring ring_;
};

} // namespace troupe::memory
