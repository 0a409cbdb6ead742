#pragma once

// What was forgotten as a whole: everything (a clear), or everything with a tag.
// Both hold for every read that starts later; the space comes back in the
// background.
//
//   clear            ++era. A table carries the era it was made in; one of an
//                    older era is empty to whoever looks, and is replaced by an
//                    empty one in its shard's next turn.
//   stop             sets a bit of the era that no table's era has. So a hit
//                    pays nothing for it: the comparison that finds a clear
//                    finds the end, too.
//   invalidate(tag)  see tag_registry.hpp.
//
// A load is born when its lease is granted, not when it commits. So what an
// invalidation finds in flight is dead from the moment it is stored.

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include <troupe/backends/memory/tags/tag_registry.hpp>

namespace troupe::memory {

/// Thread-safe; a clear is without locks. Tables that are cleared together share one;
/// those of a region share the tags.
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

  /// Whether the id of a tag means the same there.
  [[nodiscard]] bool shares_tags_with(const invalidations& x) const noexcept {
    return tags_ == x.tags_;
  }

  /// Which clear was the last one; after `stop` a number that no table has.
  [[nodiscard]] std::uint64_t era() const noexcept {
    return era_.load(std::memory_order_acquire);
  }

  /// The era of a table that is made now: as `era`, without the end.
  [[nodiscard]] std::uint64_t present_era() const noexcept {
    return era() & ~stopped_bit;
  }

  /// Makes all tables that exist empty to those who look from now on.
  void clear() noexcept {
    era_.fetch_add(1, std::memory_order_acq_rel);
  }

  /// Ends all tables, for good: each read and each change that starts from now on
  /// is refused.
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
  /// Clears never reach it: one per nanosecond would take 292 years.
  static constexpr std::uint64_t stopped_bit = std::uint64_t{1} << 63;

  std::atomic<std::uint64_t> era_{0};
  const std::shared_ptr<tag_registry> tags_;
};

} // namespace troupe::memory
