#include <troupe/backends/memory/slab.hpp>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include <troupe/backends/core/sanitizers.hpp>
#include <troupe/backends/memory/chunk_pool.hpp>

#ifdef TROUPE_ADDRESS_SANITIZER
#  include <sanitizer/asan_interface.h>
#endif

namespace troupe::memory {

namespace {

constexpr std::size_t granule = 8;

/// Up to here classes are `granule` apart.
constexpr std::size_t linear_end = 256;
constexpr std::size_t smallest_block = 16;
constexpr std::size_t linear_classes
  = (linear_end - smallest_block) / granule + 1; // 31: 16, 24, ..., 256

/// A class starts small, so that a nearly empty shard costs little, and doubles
/// its chunks up to where taking one is rare.
constexpr std::size_t largest_chunk = 256 * 1024;

/// Blocks per chunk, at least: bounds what does not fit to a fifth, for blocks
/// as large as chunks.
constexpr std::size_t blocks_per_chunk = 4;

/// A block that nobody holds must not be touched; AddressSanitizer knows only
/// the chunk, so it is told.
void poison([[maybe_unused]] void* block,
            [[maybe_unused]] std::size_t size) noexcept {
#ifdef TROUPE_ADDRESS_SANITIZER
  __asan_poison_memory_region(block, size);
#endif
}

void unpoison([[maybe_unused]] void* block,
              [[maybe_unused]] std::size_t size) noexcept {
#ifdef TROUPE_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(block, size);
#endif
}

struct class_of {
  std::size_t index;
  std::size_t block_size;
};

/// The smallest class that holds `size` bytes, at most `slab::largest_block`.
class_of find_class(std::size_t size) noexcept {
  if (size <= linear_end) {
    auto rounded = std::max((size + granule - 1) & ~(granule - 1),
                            smallest_block);
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

static_assert(linear_classes == 31);
static_assert(slab::class_count == linear_classes + 8 * 7);

} // namespace

slab::~slab() {
  for (auto [memory, size] : chunks_) {
    // The next owner of this memory must not inherit the poison.
    unpoison(memory, size);
    chunk_pool::process().deallocate(memory, size);
  }
  for (auto* i = large_.next; i != &large_;) {
    auto* next = i->next;
    std::free(i);
    i = next;
  }
}

void* slab::allocate(std::size_t size) noexcept {
  if (size > largest_block)
    return allocate_large(size);
  auto [index, block_size] = find_class(size);
  auto& c = classes_[index];
  if (auto* block = c.free; block != nullptr) {
    unpoison(block, block_size);
    c.free = block->next;
    in_use_ += block_size;
    return block;
  }
  if (c.fresh_count == 0 && !add_chunk(c, block_size))
    return nullptr;
  auto* block = c.fresh;
  c.fresh += block_size;
  --c.fresh_count;
  in_use_ += block_size;
  unpoison(block, block_size);
  return block;
}

void slab::deallocate(void* block, std::size_t size) noexcept {
  if (size > largest_block) {
    deallocate_large(block, size);
    return;
  }
  auto [index, block_size] = find_class(size);
  auto& c = classes_[index];
  auto* freed = static_cast<free_block*>(block);
  freed->next = c.free;
  c.free = freed;
  in_use_ -= block_size;
  poison(block, block_size);
}

std::size_t slab::footprint(std::size_t size) noexcept {
  if (size > largest_block)
    return large_footprint(size);
  return find_class(size).block_size;
}

/// What malloc takes for a large block: with the header of ours and its own, in
/// steps of its own.
std::size_t slab::large_footprint(std::size_t size) noexcept {
  constexpr std::size_t own_header = 8;
  constexpr std::size_t step = 16;
  return (size + sizeof(large_header) + own_header + step - 1) / step * step;
}

/// Gives a class fresh blocks.
bool slab::add_chunk(size_class& where, std::size_t block_size) noexcept {
  auto size = std::max({where.next_chunk, chunk_pool::smallest_chunk,
                        std::bit_ceil(block_size * blocks_per_chunk)});
  try {
    chunks_.push_back({nullptr, size});
  } catch (const std::bad_alloc&) {
    return false;
  }
  auto* memory = chunk_pool::process().allocate(size);
  if (memory == nullptr) {
    chunks_.pop_back();
    return false;
  }
  chunks_.back().memory = memory;
  poison(memory, size);
  where.fresh = static_cast<std::byte*>(memory);
  where.fresh_count = size / block_size;
  where.next_chunk = std::min(size * 2, largest_chunk);
  set_reserved(reserved() + size);
  return true;
}

void* slab::allocate_large(std::size_t size) noexcept {
  auto* raw = std::malloc(sizeof(large_header) + size);
  if (raw == nullptr)
    return nullptr;
  auto* header = new (raw) large_header{large_.previous, &large_};
  header->previous->next = header;
  large_.previous = header;
  in_use_ += large_footprint(size);
  set_reserved(reserved() + large_footprint(size));
  return header + 1;
}

void slab::deallocate_large(void* block, std::size_t size) noexcept {
  auto* header = static_cast<large_header*>(block) - 1;
  header->previous->next = header->next;
  header->next->previous = header->previous;
  in_use_ -= large_footprint(size);
  set_reserved(reserved() - large_footprint(size));
  std::free(header);
}

} // namespace troupe::memory
