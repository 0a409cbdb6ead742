#pragma once

// The blocks of one size in a slab: free blocks, in a list through themselves, and the
// part of the newest chunk that was never handed out.
//
// A free block carries a mark, so that an iteration over a chunk can find which blocks
// are in use (compaction.hpp). The owner of a block must not make it look like a free
// one: in an entry, the marked bytes are sizes that no entry has.

#include <cstddef>
#include <cstdint>

#ifdef TROUPE_ADDRESS_SANITIZER
#  include <sanitizer/asan_interface.h>
#endif

namespace troupe::memory {

/// A free block must not be touched; AddressSanitizer knows only the chunk, so this
/// call marks the block.
inline void poison([[maybe_unused]] void* block,
                   [[maybe_unused]] std::size_t size) noexcept {
#ifdef TROUPE_ADDRESS_SANITIZER
  __asan_poison_memory_region(block, size);
#endif
}

inline void unpoison([[maybe_unused]] void* block,
                     [[maybe_unused]] std::size_t size) noexcept {
#ifdef TROUPE_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(block, size);
#endif
}

/// The content of a free block.
struct free_block {
  free_block* next;
  std::uint64_t mark;

  static constexpr std::uint64_t marked = ~std::uint64_t{0};
};

/// Two on a cache line. Not thread-safe.
struct alignas(32) size_class {
  /// Returns the block that was freed last, or nullptr.
  [[nodiscard]] void* take(std::size_t block_size) noexcept {
    auto* block = free;
    if (block == nullptr) [[unlikely]]
      return nullptr;
    unpoison(block, block_size);
    free = block->next;
    // The next block was freed long ago and will be needed soon, with its link.
    __builtin_prefetch(free, 1);
    __builtin_prefetch(reinterpret_cast<std::byte*>(free) + 64, 1);
    return block;
  }

  /// Marks a block that was freed.
  static void mark(void* block) noexcept {
    static_cast<free_block*>(block)->mark = free_block::marked;
  }

  /// Makes a marked block the next one that `take` returns.
  void list(void* block) noexcept {
    auto* x = static_cast<free_block*>(block);
    x->next = free;
    free = x;
  }

  free_block* free = nullptr;
  std::byte* fresh = nullptr; ///< Start of the part that was never handed out.
  std::uint32_t fresh_count = 0; ///< Blocks from there on.
  std::uint32_t used = 0;        ///< Blocks in use.
  std::uint32_t next_chunk = 0;  ///< Bytes of the next chunk; 0: the first.
};

static_assert(sizeof(size_class) == 32);

} // namespace troupe::memory
