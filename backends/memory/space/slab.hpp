#pragma once

// Memory for the entries of one shard: size classes of blocks carved from
// chunks of the process's pool. The shard is the only one that allocates and
// frees, so there is no lock and no atomic; and a cleared table gives all its
// chunks back at once instead of entry by entry.
//
//   class 0: 16 bytes, steps of 8 up to 256, then eight steps per doubling up
//   to `largest_block`; above, each is a large_block of its own.
//
// Entries with large values hold these in large_blocks, which the slab lists, so
// that it lets go of them when it ends.
//
// A class keeps its chunks, however few blocks of them are in use, until a
// compaction empties some: when sizes drift, others want that memory.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <troupe/backends/memory/space/compaction.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/backends/memory/space/size_class.hpp>

namespace troupe::memory {

/// Allocates blocks; everything not freed goes with the slab. Not thread-safe
/// but for `reserved`.
class slab {
public:
  slab() = default;
  ~slab();

  slab(const slab&) = delete;
  slab& operator=(const slab&) = delete;

  /// A block of at least `size` bytes, aligned to 8, or nullptr when there is
  /// no memory. Constant time but for the system's share in new chunks.
  [[nodiscard]] void* allocate(std::size_t size) noexcept {
    if (size > largest_block) [[unlikely]]
      return allocate_large(size);
    auto [index, block_size] = find_class(size);
    auto& c = classes_[index];
    auto* block = c.take(block_size);
    if (block == nullptr) [[unlikely]]
      return allocate_fresh(c, block_size);
    ++c.used;
    return block;
  }

  /// Takes back a block that was allocated with this very `size`.
  void deallocate(void* block, std::size_t size) noexcept {
    if (size > largest_block) [[unlikely]] {
      deallocate_large(block);
      return;
    }
    auto [index, block_size] = find_class(size);
    auto& c = classes_[index];
    --c.used;
    size_class::mark(block);
    if (!compaction_ || !kept_back(c, block)) [[likely]]
      c.list(block);
    poison(block, block_size);
  }

  /// Lists a hold, of which the caller has counted the block's holder. It counts
  /// for `bytes` until it is released, or handed over.
  void hold(value_hold& x, std::size_t bytes) noexcept;

  /// Another hold of the same block stands for its bytes from now on.
  void hand_over(value_hold& x) noexcept {
    count_large(-x.bytes);
    x.bytes = 0;
  }

  /// Lets go of a block that is held.
  void release(value_hold& x) noexcept;

  /// What a block of `size` really occupies, in bytes.
  [[nodiscard]] static std::size_t footprint(std::size_t size) noexcept {
    if (size > largest_block) [[unlikely]]
      return large_footprint(size);
    return find_class(size).block_size;
  }

  /// The sum of the footprints of all blocks that are handed out, and of the bytes
  /// that are held. Linear in the number of classes.
  [[nodiscard]] std::size_t in_use() const noexcept;

  /// Bytes taken from the pool and the system. Thread-safe.
  [[nodiscard]] std::size_t reserved() const noexcept {
    return reserved_.load(std::memory_order_relaxed);
  }

  /// Largest block from a chunk, in bytes. A larger one costs a malloc, which
  /// its copying dwarfs.
  static constexpr std::size_t largest_block = 32 * 1024;

  static constexpr std::size_t class_count = 31 + 8 * 7;

  // -- compaction --------------------------------------------------------------

  /// Whether it holds so much more than what is in use that whoever stores should
  /// see to it (`compact`). Looked at when it takes a chunk.
  [[nodiscard]] bool pressed() const noexcept {
    return pressed_;
  }

  /// Goes on with giving back what a class does not need, or begins with the one
  /// that would gain most; looks at some `bytes` of memory for it. False: there is
  /// nothing to do. Without memory for it, it does without.
  bool compact(std::size_t bytes) noexcept;

  /// Blocks whose content should move, in the step that `compact` began; see
  /// `compaction::next_to_move`.
  [[nodiscard]] std::size_t next_to_move(std::span<void*> blocks) noexcept {
    return compaction_ ? compaction_->next_to_move(blocks) : 0;
  }

  /// One of these could not be moved yet.
  void leave() noexcept {
    compaction_->leave();
  }

private:
  struct chunk {
    std::byte* memory = nullptr;
    std::uint32_t size = 0;
    std::uint32_t owner = 0; ///< The number of its class.
  };

  /// What is known of a class besides: seldom looked at.
  struct class_chunks {
    std::size_t blocks = 0; ///< In all its chunks.
    /// When a compaction gained nothing, the next has to wait until no more blocks
    /// than this are in use.
    std::size_t next_look = ~std::size_t{0};
  };

  struct class_of {
    std::size_t index;
    std::size_t block_size;
  };

  static constexpr std::size_t granule = 8;

  /// Up to here classes are `granule` apart.
  static constexpr std::size_t linear_end = 256;
  static constexpr std::size_t smallest_block = 16;
  static constexpr std::size_t linear_classes
    = (linear_end - smallest_block) / granule + 1; // 31: 16, 24, ..., 256

  /// The smallest class that holds `size` bytes, at most `largest_block`.
  [[nodiscard]] static class_of find_class(std::size_t size) noexcept {
    if (size <= linear_end) [[likely]] {
      auto rounded
        = std::max((size + granule - 1) & ~(granule - 1), smallest_block);
      return {(rounded - smallest_block) / granule, rounded};
    }
    // size is in (2^e, 2^(e+1)], cut into eight steps.
    auto e = static_cast<std::size_t>(std::bit_width(size - 1)) - 1;
    auto step = (std::size_t{1} << e) / 8;
    auto above = size - (std::size_t{1} << e);
    auto steps = (above + step - 1) / step; // 1 to 8
    constexpr std::size_t first_exponent = 8;
    return {linear_classes + (e - first_exponent) * 8 + steps - 1,
            (std::size_t{1} << e) + steps * step};
  }

  /// The size of the blocks of a class.
  [[nodiscard]] static std::size_t block_size_of(std::size_t index) noexcept;
  [[nodiscard]] static std::size_t large_footprint(std::size_t size) noexcept;
  void* allocate_fresh(size_class& where, std::size_t block_size) noexcept;
  void* allocate_large(std::size_t size) noexcept;
  void deallocate_large(void* block) noexcept;
  bool add_chunk(size_class& where, std::size_t block_size) noexcept;
  void release(const std::byte* memory) noexcept;
  [[nodiscard]] bool kept_back(const size_class& from, void* block) noexcept;
  [[nodiscard]] bool begin_compaction() noexcept;
  [[nodiscard]] bool holds_too_much() const noexcept;
  void set_reserved(std::size_t bytes) noexcept {
    reserved_.store(bytes, std::memory_order_relaxed);
  }
  void count_large(std::size_t bytes) noexcept {
    large_in_use_ += bytes;
    set_reserved(reserved() + bytes);
  }

  std::array<size_class, class_count> classes_{};
  bool pressed_ = false;
  std::optional<compaction> compaction_;
  std::size_t compacted_ = 0; ///< The class, while there is a compaction.
  std::array<class_chunks, class_count> chunks_of_{};
  std::vector<chunk> chunks_;
  value_hold large_{&large_, &large_, nullptr, 0}; ///< The list's end.
  std::size_t large_in_use_ = 0;
  std::atomic<std::size_t> reserved_{0}; ///< Written by the owner only.
};

} // namespace troupe::memory
