#pragma once

// An array that grows and shrinks at its end without moving elements: segments of 8, 8,
// 16, 32, ... elements, each allocated as a whole. Finding an element takes one
// addition: each segment is stored as the address that element 0 would have if the
// segment reached back to it.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <troupe/backends/memory/space/zeroed_memory.hpp>

namespace troupe::memory {

/// Elements of zero bytes, which must be a valid T. One thread changes the array; other
/// threads may read elements whose numbers they received, also those of a removed
/// segment while its memory exists.
template <class T>
class segmented_array {
public:
  static_assert(std::is_trivially_destructible_v<T>);
  static_assert(std::has_single_bit(sizeof(T))); // See `allocate_zeroed`.

  /// Memory that is no longer part of the array.
  struct segment {
    T* first = nullptr;
    std::size_t size = 0; ///< Elements.
  };

  segmented_array() = default;

  segmented_array(const segmented_array&) = delete;
  segmented_array& operator=(const segmented_array&) = delete;

  ~segmented_array() {
    while (segments_ > 0)
      free(give_up());
  }

  /// An element below `size`, now or when its segment was removed.
  [[nodiscard]] T& operator[](std::size_t number) const noexcept {
    return *reinterpret_cast<T*>(
      origins_[segment_of(number)].load(std::memory_order_acquire)
      + number * sizeof(T));
  }

  /// Number of elements that have memory.
  [[nodiscard]] std::size_t size() const noexcept {
    return segments_ == 0 ? 0 : first_segment << (segments_ - 1);
  }

  /// Makes `size` larger by one segment. False when there is no memory, or no number
  /// left.
  [[nodiscard]] bool add() noexcept {
    if (segments_ == max_segments)
      return false;
    auto n = size_of(segments_);
    auto* added = allocate_zeroed(n * sizeof(T));
    if (added == nullptr)
      return false;
    // May wrap around; adding a number of the segment wraps it back.
    origins_[segments_].store(reinterpret_cast<std::uintptr_t>(added)
                                - start_of(segments_) * sizeof(T),
                              std::memory_order_release);
    show(segments_, added);
    ++segments_;
    // The previous segment is complete; its small pages may become huge ones.
    if (segments_ > 2) {
      auto before = segments_ - 2;
      prefer_huge_if_mapped(&(*this)[start_of(before)],
                            size_of(before) * sizeof(T));
    }
    return true;
  }

  /// Makes room for element `number`; false when there is no memory.
  [[nodiscard]] bool reach(std::size_t number) noexcept {
    while (size() <= number)
      if (!add())
        return false;
    return true;
  }

  /// Whether the first `used` elements fill at most half of the array before the last
  /// segment: so a size that varies around the segment's begin does not allocate and
  /// free memory each time.
  [[nodiscard]] bool has_excess(std::size_t used) const noexcept {
    return segments_ > 1 && used <= start_of(segments_ - 1) / 2;
  }

  /// Removes the last segment; the caller frees it once no thread reads it.
  [[nodiscard]] segment give_up() noexcept {
    --segments_;
    show(segments_, nullptr);
    // The address stays for threads that still read it.
    return {&(*this)[start_of(segments_)], size_of(segments_)};
  }

  static void free(segment x) noexcept {
    free_zeroed(x.first, x.size * sizeof(T));
  }

  static constexpr std::size_t max_segments = 32;

private:
  static constexpr std::size_t first_segment = 8;

  /// The segment of an element: 0 for the first eight, then one per doubling.
  [[nodiscard]] static std::size_t segment_of(std::size_t number) noexcept {
    static_assert(first_segment == 8);
    return 61 - static_cast<std::size_t>(__builtin_clzll(number | 7));
  }

  /// The number of a segment's first element: 0, 8, 16, 32, ...
  [[nodiscard]] static std::size_t start_of(std::size_t segment) noexcept {
    return segment == 0 ? 0 : first_segment << (segment - 1);
  }

  [[nodiscard]] static std::size_t size_of(std::size_t segment) noexcept {
    return segment == 0 ? first_segment : start_of(segment);
  }

  /// Segments that malloc may provide; LeakSanitizer does not scan the others.
  static constexpr std::size_t shown_segments = 8;
  static_assert((first_segment << (shown_segments - 1)) * sizeof(T)
                >= smallest_pooled);

  /// LeakSanitizer searches for addresses inside of allocated memory, but origins lie
  /// before it.
  void show(std::size_t i, void* memory) noexcept {
    if (i < shown_segments)
      shown_[i] = memory;
  }

  std::array<std::atomic<std::uintptr_t>, max_segments> origins_{};
  std::size_t segments_ = 0; ///< For the thread that changes the array.

  /// Present in every build: a program with AddressSanitizer may use a library without
  /// it, and the other way round.
  std::array<void*, shown_segments> shown_{};
};

} // namespace troupe::memory
