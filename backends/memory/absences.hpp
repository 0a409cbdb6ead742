#pragma once

// Keys that somebody found absent and wants to know of whether they stayed so: a key
// that was written and removed again meanwhile looks the same, and has no version.

#include <atomic>
#include <cstddef>
#include <memory>

#include <troupe/backends/memory/entry_view.hpp>
#include <troupe/backends/memory/key_map.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe::memory {

/// The time since a key was found absent. Thread-safe.
class absence {
public:
  /// Whether something was stored under the key since. For good.
  [[nodiscard]] bool ended() const noexcept {
    return ended_.load(std::memory_order_acquire);
  }

private:
  friend class absences;

  std::atomic<bool> ended_{false};
};

/// What somebody saw of a key who wants to know later whether it has changed.
struct key_state {
  version_number version = no_version; ///< Of the live entry.
  std::shared_ptr<const memory::absence> absence; ///< Without one.
};

/// The absences that somebody holds. Not thread-safe: part of a store.
class absences {
public:
  /// That of a key which has no live entry. Throws std::bad_alloc. Amortised constant
  /// time; those that nobody holds any more take no more room than the others.
  [[nodiscard]] std::shared_ptr<const absence> watch(bytes_view key);

  /// Something was stored under the key.
  void end(bytes_view key) noexcept {
    // Nearly always nobody watches, and a write pays one branch.
    if (!held_.empty()) [[unlikely]]
      end_held(key);
  }

  /// Those in memory, whether somebody holds them or not.
  [[nodiscard]] std::size_t size() const noexcept {
    return held_.size();
  }

private:
  void end_held(bytes_view key) noexcept;
  void drop_abandoned() noexcept;

  static constexpr std::size_t few = 64;

  key_map<std::weak_ptr<absence>> held_;
  std::size_t next_look_ = few; ///< When so many are there, some may be abandoned.
};

} // namespace troupe::memory
