#include <troupe/backends/memory/slab.hpp>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include <troupe/backends/memory/chunk_pool.hpp>

namespace troupe::memory {

namespace {

/// A class starts small, so that a nearly empty shard costs little, and doubles
/// its chunks up to where taking one is rare.
constexpr std::size_t largest_chunk = 256 * 1024;

/// Blocks per chunk, at least: bounds what does not fit to a fifth, for blocks
/// as large as chunks.
constexpr std::size_t blocks_per_chunk = 4;

} // namespace

slab::~slab() {
  for (auto [memory, size] : chunks_) {
    // The next owner of this memory must not inherit the poison.
    unpoison(memory, size);
    chunk_pool::process().deallocate(memory, size);
  }
  for (auto* i = large_.next; i != &large_;) {
    auto* next = i->next;
    i->release();
    i = next;
  }
}

/// A block that was never handed out, or nullptr when there is no memory.
void* slab::allocate_fresh(size_class& where, std::size_t block_size) noexcept {
  static_assert(linear_classes == 31);
  static_assert(class_count == linear_classes + 8 * 7);
  if (where.fresh_count == 0 && !add_chunk(where, block_size))
    return nullptr;
  auto* block = where.fresh;
  where.fresh += block_size;
  --where.fresh_count;
  in_use_ += block_size;
  unpoison(block, block_size);
  return block;
}

void* slab::adopt(value_buffer& from, std::size_t head,
                  std::size_t size) noexcept {
  if (size <= largest_block || from.size() != size - head)
    return nullptr;
  auto* block = from.place(head);
  return block == nullptr ? nullptr : link_large(from.release(), block, size);
}

/// What malloc takes for a large block: with the header of ours and its own, in
/// steps of its own.
std::size_t slab::large_footprint(std::size_t size) noexcept {
  constexpr std::size_t own_header = 8;
  constexpr std::size_t step = 16;
  return (size + sizeof(large_block) + own_header + step - 1) / step * step;
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
  auto* memory = std::malloc(sizeof(large_block) + size);
  if (memory == nullptr)
    return nullptr;
  return link_large(memory, static_cast<large_block*>(memory) + 1, size);
}

/// Makes a block of `size` bytes inside of `memory` one of the slab's.
void* slab::link_large(void* memory, void* block, std::size_t size) noexcept {
  auto* header = new (static_cast<large_block*>(block) - 1)
    large_block{memory, large_.previous, &large_};
  header->previous->next = header;
  large_.previous = header;
  in_use_ += large_footprint(size);
  set_reserved(reserved() + large_footprint(size));
  return block;
}

void slab::deallocate_large(void* block, std::size_t size) noexcept {
  auto& header = large_block::of(block);
  header.previous->next = header.next;
  header.next->previous = header.previous;
  in_use_ -= large_footprint(size);
  set_reserved(reserved() - large_footprint(size));
  header.release();
}

} // namespace troupe::memory
