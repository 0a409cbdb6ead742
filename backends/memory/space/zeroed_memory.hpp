#pragma once

#include <cstddef>

namespace troupe::memory {

/// From this size on, in bytes, memory does not come from malloc.
inline constexpr std::size_t smallest_pooled = 4096;

/// Returns `size` zeroed bytes, aligned to a cache line; `size` is a power of two, at
/// least 1. nullptr when there is no memory. Small pieces come from malloc, middle ones
/// from the process's chunk pool. Large ones are mapped separately, so that the system
/// clears their pages one by one when they are first used. Thread-safe.
[[nodiscard]] void* allocate_zeroed(std::size_t size) noexcept;

/// Takes back what `allocate_zeroed(size)` returned. Thread-safe.
void free_zeroed(void* memory, std::size_t size) noexcept;

/// Allows the system to replace the pages of a large piece by huge ones; for a piece
/// whose pages are in use.
void prefer_huge_if_mapped(void* memory, std::size_t size) noexcept;

} // namespace troupe::memory
