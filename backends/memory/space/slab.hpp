#pragma once

// Memory for the entries of one shard: size classes of blocks carved from chunks of the
// process's pool. Only the shard allocates and frees, so there is no lock and no
// atomic; and a cleared table returns all its chunks at once instead of entry by entry.
//
//   class 0: 16 bytes, steps of 8 up to 256, then eight steps per doubling up
//   to `largest_block`; above, each is a large_block of its own.
//
// Entries hold large values in large_blocks. The slab lists these, so that it releases
// them when it ends.
//
// A class keeps its chunks, however few of their blocks are in use, until a compaction
// empties some: when sizes drift, other classes need that memory.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <troupe/backends/memory/space/compaction.hpp>
#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/backends/memory/space/size_class.hpp>

namespace troupe::memory {

/// Allocates blocks; blocks that are not freed end with the slab. Not thread-safe,
/// except for `reserved`.
class slab {
public:
  slab() = default;
  ~slab();

  slab(const slab&) = delete;
  slab& operator=(const slab&) = delete;

  /// Returns a block of at least `size` bytes, aligned to 8, or nullptr when there is
  /// no memory. Constant time, except for the system's work for new chunks.
  [[nodiscard]] void* allocate(std::size_t size) noexcept {
    if (size > largest_block) [[unlikely]]
      return allocate_large(size);
    auto [index, block_size] = find_class(size);
    auto& c = classes_[index];
    auto* block = c.take(block_size);
    if (block == nullptr) [[unlikely]]
      return allocate_fresh(index, block_size);
    ++c.used;
    return block;
  }

  /// Takes back a block that was allocated with exactly this `size`.
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

  /// Lists a hold; the caller has counted the block's holder. It counts for `bytes`
  /// until it is released or handed over.
  void hold(value_hold& x, std::size_t bytes) noexcept;

  /// From now on another hold of the same block counts for its bytes.
  void hand_over(value_hold& x) noexcept {
    count_large(-x.bytes);
    x.bytes = 0;
  }

  /// Releases a hold of a block.
  void release(value_hold& x) noexcept;

  /// The bytes that a block of `size` occupies, rounded up to its class.
  [[nodiscard]] static std::size_t footprint(std::size_t size) noexcept {
    if (size > largest_block) [[unlikely]]
      return large_footprint(size);
    return find_class(size).block_size;
  }

  /// The sum of the footprints of all used blocks, and of the held bytes. Linear in the
  /// number of classes.
  [[nodiscard]] std::size_t in_use() const noexcept;

  /// Bytes taken from the pool and the system. Thread-safe.
  [[nodiscard]] std::size_t reserved() const noexcept {
    return reserved_.load(std::memory_order_relaxed);
  }

  /// Largest block from a chunk, in bytes. The malloc of a larger one is cheap compared
  /// with the copy of its value.
  static constexpr std::size_t largest_block = 32 * 1024;

  static constexpr std::size_t class_count = 31 + 8 * 7;

  // -- compaction --------------------------------------------------------------

  /// Whether so much more is reserved than in use that a caller that stores should call
  /// `compact`. Updated when the slab takes a chunk.
  [[nodiscard]] bool pressed() const noexcept {
    return pressed_;
  }

  /// Continues to return what a class does not need, or begins with the class that
  /// would gain most; reads about `bytes` bytes of memory for it. False: there is
  /// nothing to do. Without memory for its bookkeeping it does nothing.
  bool compact(std::size_t bytes) noexcept;

  /// Blocks whose content should move in the step that `compact` began; see
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

  /// The rest of a class's data, which is rarely read.
  struct class_chunks {
    std::size_t blocks = 0; ///< In all its chunks.
    /// After a compaction without gain, the next one waits until at most this many
    /// blocks are in use.
    std::size_t next_look = ~std::size_t{0};
  };

  struct class_of {
    std::size_t index;
    std::size_t block_size;
  };

  static constexpr std::size_t granule = 8;

  /// Up to this size, classes are `granule` bytes apart.
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
  [[nodiscard]] bool make_tables() noexcept;
  void* allocate_fresh(std::size_t index, std::size_t block_size) noexcept;
  void* allocate_large(std::size_t size) noexcept;
  void deallocate_large(void* block) noexcept;
  bool add_chunk(std::size_t index, std::size_t block_size) noexcept;
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

  /// The classes, and the data of each that is rarely read.
  struct class_tables {
    std::array<size_class, class_count> classes{};
    std::array<class_chunks, class_count> chunks{};
  };

  /// The classes of a slab without blocks. Nothing is written to them: the first
  /// allocation makes `tables_`.
  static const std::array<size_class, class_count> no_blocks;

  size_class* classes_ = const_cast<size_class*>(no_blocks.data());
  std::unique_ptr<class_tables> tables_;
  bool pressed_ = false;
  std::optional<compaction> compaction_;
  std::size_t compacted_ = 0; ///< The class that is compacted, if any.
  std::vector<chunk> chunks_;
  value_hold large_{&large_, &large_, nullptr, 0}; ///< The list's end.
  std::size_t large_in_use_ = 0;
  std::atomic<std::size_t> reserved_{0}; ///< Written by the owner only.
};

} // namespace troupe::memory
