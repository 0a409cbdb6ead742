#pragma once

// An array that grows and shrinks at its end without moving anything: segments
// of 8, 8, 16, 32, ... elements, each allocated as a whole. Finding an element
// takes one addition, as a segment is known by where element 0 would be if it
// reached back to it.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <troupe/backends/memory/space/zeroed_memory.hpp>

namespace troupe::memory {

/// Elements of zero bytes, which must be a valid T. One thread changes the
/// array; others may look at elements that they were told of, also at those of
/// a segment that was given up, as long as its memory is there.
template <class T>
class segmented_array {
public:
  static_assert(std::is_trivially_destructible_v<T>);
  static_assert(std::has_single_bit(sizeof(T))); // See `allocate_zeroed`.

  /// Memory that is not part of the array any more.
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

  /// An element below `size`, now or when it was given up.
  [[nodiscard]] T& operator[](std::size_t number) const noexcept {
    return *reinterpret_cast<T*>(
      origins_[segment_of(number)].load(std::memory_order_acquire)
      + number * sizeof(T));
  }

  /// Elements that there is memory for.
  [[nodiscard]] std::size_t size() const noexcept {
    return segments_ == 0 ? 0 : first_segment << (segments_ - 1);
  }

  /// Makes `size` larger by one segment. False when there is no memory, or no
  /// number left.
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
    // The one before is complete; its small pages may become huge ones.
    if (segments_ > 2) {
      auto before = segments_ - 2;
      prefer_huge_if_mapped(&(*this)[start_of(before)],
                            size_of(before) * sizeof(T));
    }
    return true;
  }

  /// Makes room for element `number`, as long as there is memory.
  [[nodiscard]] bool reach(std::size_t number) noexcept {
    while (size() <= number)
      if (!add())
        return false;
    return true;
  }

  /// Whether the last segment begins behind the first `used` elements by as
  /// much as it is long: so that a size that swings around its begin does not
  /// take and give memory at every turn.
  [[nodiscard]] bool has_excess(std::size_t used) const noexcept {
    return segments_ > 1 && used <= start_of(segments_ - 1) / 2;
  }

  /// Takes the last segment off; the caller frees it, once nobody looks at it.
  [[nodiscard]] segment give_up() noexcept {
    --segments_;
    show(segments_, nullptr);
    // The address stays for those who still look.
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

  /// Segments that malloc may give; the others are none of LeakSanitizer's.
  static constexpr std::size_t shown_segments = 8;
  static_assert((first_segment << (shown_segments - 1)) * sizeof(T)
                >= smallest_pooled);

  /// LeakSanitizer looks for addresses inside of what was allocated, and origins
  /// lie before it.
  void show(std::size_t i, void* memory) noexcept {
    if (i < shown_segments)
      shown_[i] = memory;
  }

  std::array<std::atomic<std::uintptr_t>, max_segments> origins_{};
  std::size_t segments_ = 0; ///< For the one who changes it.

  /// There in every build: who includes this may be built with AddressSanitizer
  /// when the library is not, and the other way round.
  std::array<void*, shown_segments> shown_{};
};

} // namespace troupe::memory
