#pragma once

// Invalidations of many entries: of all entries (a clear), or of all entries with a
// tag. Both apply to every read that starts later; the memory is freed in the
// background.
//
//   clear            ++era. A table carries the era it was made in; one of an
//                    older era is empty for every caller, and is replaced by an
//                    empty one in its shard's next turn.
//   stop             sets a bit of the era that no table's era has. So a hit
//                    pays nothing for it: the comparison that detects a clear
//                    detects the stop, too.
//   invalidate(tag)  see tag_registry.hpp.
//
// A load is born when its lease is granted, not when it commits. So the result of a
// load that was in flight during an invalidation is dead from the moment it is stored.

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include <troupe/backends/memory/tags/tag_registry.hpp>

namespace troupe::memory {

/// Thread-safe; a clear takes no locks. Tables that are cleared together share one
/// object; the objects of a region share the tags.
class invalidations {
public:
  invalidations() : invalidations(std::make_shared<tag_registry>()) {
    // nop
  }

  explicit invalidations(std::shared_ptr<tag_registry> tags) noexcept
    : tags_(std::move(tags)) {
    // nop
  }

  invalidations(const invalidations&) = delete;
  invalidations& operator=(const invalidations&) = delete;

  /// Whether both use the same ids of tags.
  [[nodiscard]] bool shares_tags_with(const invalidations& x) const noexcept {
    return tags_ == x.tags_;
  }

  /// The number of the last clear; after `stop` a number that no table has.
  [[nodiscard]] std::uint64_t era() const noexcept {
    return era_.load(std::memory_order_acquire);
  }

  /// The era of a table that is made now: like `era`, without the stop bit.
  [[nodiscard]] std::uint64_t present_era() const noexcept {
    return era() & ~stopped_bit;
  }

  /// Makes all existing tables empty for calls that begin from now on.
  void clear() noexcept {
    era_.fetch_add(1, std::memory_order_acq_rel);
  }

  /// Ends all tables for good: each read and each change that starts from now on is
  /// refused.
  void stop() noexcept {
    era_.fetch_or(stopped_bit, std::memory_order_acq_rel);
  }

  /// Whether `stop` was called.
  [[nodiscard]] bool stopped() const noexcept {
    return (era() & stopped_bit) != 0;
  }

  [[nodiscard]] tag_registry& tags() const noexcept {
    return *tags_;
  }

private:
  /// Clears never reach it: at one per nanosecond this takes 292 years.
  static constexpr std::uint64_t stopped_bit = std::uint64_t{1} << 63;

  std::atomic<std::uint64_t> era_{0};
  const std::shared_ptr<tag_registry> tags_;
};

} // namespace troupe::memory
