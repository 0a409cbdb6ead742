#pragma once

// What was forgotten as a whole: everything (a clear), or everything with a tag.
// Issuing either takes constant time and holds for every read that starts later;
// the space comes back in the background.
//
//   clear            ++era. A table carries the era it was made in; one of an
//                    older era is empty to whoever looks, and is replaced by an
//                    empty one in its shard's next turn.
//   invalidate(tag)  mark[tag] = ++sequence. A tagged entry carries the sequence
//                    at which it was born; it is dead when one of its marks has a
//                    later one.
//
// A load is born when its lease is granted, not when it commits. So what an
// invalidation finds in flight is dead from the moment it is stored.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace troupe::memory {

/// What was forgotten by tag. Thread-safe; without locks.
class tag_marks {
public:
  tag_marks() = default;
  ~tag_marks();

  tag_marks(const tag_marks&) = delete;
  tag_marks& operator=(const tag_marks&) = delete;

  /// The moment at which something is born.
  [[nodiscard]] std::uint64_t sequence() const noexcept {
    return sequence_.load(std::memory_order_acquire);
  }

  /// Kills what was born before and carries this mark. The first call takes
  /// memory for all marks (512 KiB). Throws std::bad_alloc.
  void invalidate(std::uint16_t mark);

  /// Whether something with these marks that was born then is dead.
  [[nodiscard]] bool killed(std::uint64_t born,
                            std::span<const std::uint16_t> marks)
    const noexcept {
    const auto* last = marks_.load(std::memory_order_acquire);
    if (last == nullptr)
      return false;
    for (auto x : marks)
      if (last[x].load(std::memory_order_acquire) > born)
        return true;
    return false;
  }

private:
  static constexpr std::size_t mark_count = std::size_t{1} << 16;

  /// By mark, the sequence of its last invalidation.
  using mark_table = std::atomic<std::uint64_t>[];

  std::atomic<std::uint64_t>* all_marks();

  std::atomic<std::uint64_t> sequence_{0};
  std::atomic<std::atomic<std::uint64_t>*> marks_{nullptr};
};

/// Thread-safe; without locks. Tables that are cleared together share one; those
/// of a region share the marks.
class invalidations {
public:
  invalidations() : invalidations(std::make_shared<tag_marks>()) {
    // nop
  }

  explicit invalidations(std::shared_ptr<tag_marks> marks) noexcept
    : marks_(std::move(marks)) {
    // nop
  }

  invalidations(const invalidations&) = delete;
  invalidations& operator=(const invalidations&) = delete;

  /// Which clear was the last one.
  [[nodiscard]] std::uint64_t era() const noexcept {
    return era_.load(std::memory_order_acquire);
  }

  /// Makes all tables that exist empty to those who look from now on.
  void clear() noexcept {
    era_.fetch_add(1, std::memory_order_acq_rel);
  }

  /// See `tag_marks`, as for all that follows.
  [[nodiscard]] std::uint64_t sequence() const noexcept {
    return marks_->sequence();
  }

  void invalidate(std::uint16_t mark) {
    marks_->invalidate(mark);
  }

  [[nodiscard]] bool killed(std::uint64_t born,
                            std::span<const std::uint16_t> marks)
    const noexcept {
    return marks_->killed(born, marks);
  }

private:
  std::atomic<std::uint64_t> era_{0};
  const std::shared_ptr<tag_marks> marks_;
};

} // namespace troupe::memory
