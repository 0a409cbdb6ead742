#pragma once

// Keys that a caller found absent, to find out later whether they stayed absent: a key
// that was written and removed meanwhile looks the same, and has no version.

#include <atomic>
#include <cstddef>
#include <memory>

#include <troupe/backends/memory/entries/key_map.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe::memory {

/// The period since a key was found absent. Thread-safe.
class absence {
public:
  /// Whether a value was stored under the key since. Stays true.
  [[nodiscard]] bool ended() const noexcept {
    return ended_.load(std::memory_order_acquire);
  }

private:
  friend class absences;

  std::atomic<bool> ended_{false};
};

/// The absences that callers hold. Part of a store. Not thread-safe, except for `any`.
class absences {
public:
  /// Returns the absence of a key without a live entry. Throws std::bad_alloc.
  /// Amortised constant time; absences that no caller holds take at most as much room
  /// as the others.
  [[nodiscard]] std::shared_ptr<const absence> watch(bytes_view key);

  /// Whether there are any, held or not. From any thread.
  [[nodiscard]] bool any() const noexcept {
    return any_.load(std::memory_order_relaxed);
  }

  /// Frees absences that no caller holds any more. Linear in all.
  void drop_abandoned() noexcept;

  /// Records that a value was stored under the key.
  void end(bytes_view key) noexcept {
    // Nearly always no key is watched, and a write pays one branch.
    if (!held_.empty()) [[unlikely]]
      end_held(key);
  }

  /// The number of absences in memory, held or not.
  [[nodiscard]] std::size_t size() const noexcept {
    return held_.size();
  }

private:
  void end_held(bytes_view key) noexcept;

  static constexpr std::size_t few = 64;

  key_map<std::weak_ptr<absence>> held_;
  std::size_t next_look_ = few; ///< From this number on, some may be abandoned.
  std::atomic<bool> any_{false};
};

} // namespace troupe::memory
