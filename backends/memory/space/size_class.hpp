#pragma once

// The blocks of one size in a slab: those that came back, in a list through
// themselves, and what was never handed out of the newest chunk.
//
// A block that nobody holds carries a mark, so that whoever goes through a chunk
// from block to block can tell which are in use (compaction.hpp). Whoever holds a
// block must not make it look like that: of an entry, the marked bytes are sizes
// that none has.

#include <cstddef>
#include <cstdint>

#ifdef TROUPE_ADDRESS_SANITIZER
#  include <sanitizer/asan_interface.h>
#endif

namespace troupe::memory {

/// A block that nobody holds must not be touched; AddressSanitizer knows only the
/// chunk, so it is told.
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

/// What stands in a block that nobody holds.
struct free_block {
  free_block* next;
  std::uint64_t mark;

  static constexpr std::uint64_t marked = ~std::uint64_t{0};
};

/// Two on a cache line. Not thread-safe.
struct alignas(32) size_class {
  /// The block that came back last, or nullptr.
  [[nodiscard]] void* take(std::size_t block_size) noexcept {
    auto* block = free;
    if (block == nullptr) [[unlikely]]
      return nullptr;
    unpoison(block, block_size);
    free = block->next;
    // The next one was freed long ago and will be needed soon, link and all.
    __builtin_prefetch(free, 1);
    __builtin_prefetch(reinterpret_cast<std::byte*>(free) + 64, 1);
    return block;
  }

  /// Marks a block that came back.
  static void mark(void* block) noexcept {
    static_cast<free_block*>(block)->mark = free_block::marked;
  }

  /// Makes a marked block the next to be taken.
  void list(void* block) noexcept {
    auto* x = static_cast<free_block*>(block);
    x->next = free;
    free = x;
  }

  free_block* free = nullptr;
  std::byte* fresh = nullptr;    ///< Start of what was never handed out.
  std::uint32_t fresh_count = 0; ///< Blocks from there on.
  std::uint32_t used = 0;        ///< Blocks that somebody holds.
  std::uint32_t next_chunk = 0;  ///< Bytes of the next chunk; 0: the first.
};

static_assert(sizeof(size_class) == 32);

} // namespace troupe::memory
