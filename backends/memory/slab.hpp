#pragma once

// Memory for the entries of one shard: size classes of blocks carved from
// chunks of the process's pool. The shard is the only one that allocates and
// frees, so there is no lock and no atomic; and a cleared table gives all its
// chunks back at once instead of entry by entry.
//
//   class 0: 16 bytes, steps of 8 up to 256, then eight steps per doubling up
//   to `largest_block`; above, blocks come from malloc, linked for the end.

#include <array>
#include <atomic>
#include <cstddef>
#include <vector>

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
  [[nodiscard]] void* allocate(std::size_t size) noexcept;

  /// Takes back a block that was allocated with this very `size`.
  void deallocate(void* block, std::size_t size) noexcept;

  /// What a block of `size` really occupies, in bytes.
  [[nodiscard]] static std::size_t footprint(std::size_t size) noexcept;

  /// The sum of the footprints of all blocks that are handed out.
  [[nodiscard]] std::size_t in_use() const noexcept {
    return in_use_;
  }

  /// Bytes taken from the pool and the system. Thread-safe.
  [[nodiscard]] std::size_t reserved() const noexcept {
    return reserved_.load(std::memory_order_relaxed);
  }

  /// Largest block from a chunk, in bytes. A larger one costs a malloc, which
  /// its copying dwarfs.
  static constexpr std::size_t largest_block = 32 * 1024;

  static constexpr std::size_t class_count = 31 + 8 * 7;

private:
  struct free_block {
    free_block* next;
  };

  /// Stands before a block from malloc.
  struct alignas(16) large_header {
    large_header* previous;
    large_header* next;
  };

  /// Two on a cache line.
  struct alignas(32) size_class {
    free_block* free = nullptr;
    std::byte* fresh = nullptr; ///< Start of what was never handed out.
    std::size_t fresh_count = 0; ///< Blocks from there on.
    std::size_t next_chunk = 0;  ///< Bytes of the next chunk; 0: the first.
  };

  struct chunk {
    void* memory;
    std::size_t size;
  };

  [[nodiscard]] static std::size_t large_footprint(std::size_t size) noexcept;
  void* allocate_large(std::size_t size) noexcept;
  void deallocate_large(void* block, std::size_t size) noexcept;
  bool add_chunk(size_class& where, std::size_t block_size) noexcept;
  void set_reserved(std::size_t bytes) noexcept {
    reserved_.store(bytes, std::memory_order_relaxed);
  }

  std::array<size_class, class_count> classes_{};
  std::vector<chunk> chunks_;
  large_header large_{&large_, &large_};
  std::size_t in_use_ = 0;
  std::atomic<std::size_t> reserved_{0}; ///< Written by the owner only.
};

} // namespace troupe::memory
