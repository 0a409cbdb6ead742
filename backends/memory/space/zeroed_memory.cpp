#include <troupe/backends/memory/space/zeroed_memory.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <troupe/backends/memory/space/chunk_pool.hpp>

namespace troupe::memory {

namespace {

constexpr std::size_t cache_line = 64;

static_assert(smallest_pooled == chunk_pool::smallest_chunk);

/// Larger pieces are mapped. Clearing this much takes some 100 µs.
constexpr std::size_t largest_from_heap = std::size_t{1} << 20;

[[nodiscard]] std::size_t padded(std::size_t size) noexcept {
  return std::max(size, cache_line);
}

} // namespace

void* allocate_zeroed(std::size_t size) noexcept {
  if (size > largest_from_heap)
    return map_pages(size);
  auto* result = size < smallest_pooled
                   ? std::aligned_alloc(cache_line, padded(size))
                   : chunk_pool::process().allocate(size);
  if (result != nullptr)
    std::memset(result, 0, size);
  return result;
}

void free_zeroed(void* memory, std::size_t size) noexcept {
  if (size > largest_from_heap)
    unmap_pages(memory, size);
  else if (size < smallest_pooled)
    std::free(memory);
  else
    chunk_pool::process().deallocate(memory, size);
}

void prefer_huge_if_mapped(void* memory, std::size_t size) noexcept {
  if (size > largest_from_heap)
    prefer_huge(memory, size);
}

} // namespace troupe::memory
