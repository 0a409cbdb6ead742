#pragma once

// Keys that a caller found absent, to learn later whether they stayed so: a key that
// was written and removed again meanwhile looks the same, and has no version.

#include <atomic>
#include <cstddef>
#include <memory>

#include <troupe/backends/memory/entries/key_map.hpp>
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

/// The absences that callers hold. Not thread-safe but for `any`: part of a store.
class absences {
public:
  /// The absence of a key that has no live entry. Throws std::bad_alloc. Amortised
  /// constant time; those that are abandoned take no more room than the others.
  [[nodiscard]] std::shared_ptr<const absence> watch(bytes_view key);

  /// Whether there are any, in use or not. From any thread.
  [[nodiscard]] bool any() const noexcept {
    return any_.load(std::memory_order_relaxed);
  }

  /// Frees those that no caller holds any more. Linear in all.
  void drop_abandoned() noexcept;

  /// Something was stored under the key.
  void end(bytes_view key) noexcept {
    // Nearly always no key is watched, and a write pays one branch.
    if (!held_.empty()) [[unlikely]]
      end_held(key);
  }

  /// The number of those in memory, in use or not.
  [[nodiscard]] std::size_t size() const noexcept {
    return held_.size();
  }

private:
  void end_held(bytes_view key) noexcept;

  static constexpr std::size_t few = 64;

  key_map<std::weak_ptr<absence>> held_;
  std::size_t next_look_
    = few; ///< When so many are there, some may be abandoned.
  std::atomic<bool> any_{false};
};

} // namespace troupe::memory
