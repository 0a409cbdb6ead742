#pragma once

#include <cstddef>

namespace troupe::memory {

/// From this size on, in bytes, memory does not come from malloc.
inline constexpr std::size_t smallest_pooled = 4096;

/// `size` zeroed bytes, aligned to a cache line; `size` is a power of two of at
/// least one. nullptr when there is no memory. Small pieces come from malloc,
/// middle ones from the process's chunk pool, and large ones are mapped on
/// their own, so that the system clears their pages one by one as they are
/// reached. Thread-safe.
[[nodiscard]] void* allocate_zeroed(std::size_t size) noexcept;

/// Takes back what `allocate_zeroed(size)` returned. Thread-safe.
void free_zeroed(void* memory, std::size_t size) noexcept;

/// Lets the system exchange the pages of a large piece for huge ones; for one
/// whose pages are in use.
void prefer_huge_if_mapped(void* memory, std::size_t size) noexcept;

} // namespace troupe::memory
