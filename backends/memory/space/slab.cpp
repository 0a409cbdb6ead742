#include <troupe/backends/memory/space/slab.hpp>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include <troupe/backends/memory/space/chunk_pool.hpp>

namespace troupe::memory {

namespace {

/// The first chunk of a class is small, so that a nearly empty shard takes little; each
/// further one is twice as large, up to the size at which taking one is rare.
constexpr std::size_t largest_chunk = 256 * 1024;

/// Bytes of the first chunk of a class. It has enough blocks that the unused rest is at
/// most a fifth.
std::size_t first_chunk(std::size_t block_size) noexcept {
  constexpr std::size_t blocks = 4;
  return std::max(chunk_pool::smallest_chunk,
                  std::bit_ceil(block_size * blocks));
}

/// A compaction needs at least one free block in this many of a class. With fewer, it
/// would move more than three blocks for each one gained.
constexpr std::size_t least_free_share = 4;

/// Bytes that may be unused before the slab is pressed, in addition to a share of what
/// is in use.
constexpr std::size_t pressing = 256 << 10;
constexpr std::size_t pressing_share = 4;

/// Chunks returned in one step: the system takes some time for each extent.
constexpr std::size_t released_at_once = 16;

} // namespace

slab::~slab() {
  // Holds lie in chunks and in large blocks. From the end of the list: the hold of a
  // value may lie in the block of an entry with a large key, which was linked before
  // it.
  while (large_.previous != &large_)
    release(*large_.previous);
  for (auto& x : chunks_) {
    // The next owner of this memory must not inherit the poison.
    unpoison(x.memory, x.size);
    chunk_pool::process().deallocate(x.memory, x.size);
  }
}

std::size_t slab::in_use() const noexcept {
  auto result = large_in_use_;
  for (std::size_t i = 0; i < class_count; ++i)
    result += classes_[i].used * block_size_of(i);
  return result;
}

std::size_t slab::block_size_of(std::size_t index) noexcept {
  if (index < linear_classes)
    return smallest_block + index * granule;
  const auto above = index - linear_classes;
  const auto doubling = linear_end << (above / 8);
  return doubling + doubling / 8 * (above % 8 + 1);
}

constexpr std::array<size_class, slab::class_count> slab::no_blocks{};

bool slab::make_tables() noexcept {
  tables_.reset(new (std::nothrow) class_tables{});
  if (tables_ == nullptr)
    return false;
  classes_ = tables_->classes.data();
  return true;
}

/// Returns a block that was never handed out, or one that the compaction has yet to
/// list; nullptr when there is no memory.
void* slab::allocate_fresh(std::size_t index, std::size_t block_size) noexcept {
  static_assert(linear_classes == 31);
  static_assert(class_count == linear_classes + 8 * 7);
  if (tables_ == nullptr && !make_tables())
    return nullptr;
  auto& where = classes_[index];
  if (compaction_ && compaction_->serves(where)) {
    while (where.free == nullptr && compaction_->refill())
      ;
    if (auto* block = where.take(block_size); block != nullptr) {
      ++where.used;
      return block;
    }
  }
  if (where.fresh_count == 0 && !add_chunk(index, block_size))
    return nullptr;
  auto* block = where.fresh;
  where.fresh += block_size;
  --where.fresh_count;
  ++where.used;
  unpoison(block, block_size);
  return block;
}

/// The footprint of a large_block from malloc: no entry is large enough for a mapping.
std::size_t slab::large_footprint(std::size_t size) noexcept {
  return large_block::malloc_footprint(sizeof(value_hold) + size);
}

/// Adds a chunk of fresh blocks to a class.
bool slab::add_chunk(std::size_t index, std::size_t block_size) noexcept {
  auto& where = classes_[index];
  auto& of_class = tables_->chunks[index];
  const auto size
    = std::max(std::size_t{where.next_chunk}, first_chunk(block_size));
  try {
    chunks_.emplace_back();
  } catch (const std::bad_alloc&) {
    return false;
  }
  auto* memory = static_cast<std::byte*>(chunk_pool::process().allocate(size));
  if (memory == nullptr) {
    chunks_.pop_back();
    return false;
  }
  const auto blocks = size / block_size;
  chunks_.back() = {memory, static_cast<std::uint32_t>(size),
                    static_cast<std::uint32_t>(index)};
  poison(memory, size);
  where.fresh = memory;
  where.fresh_count = static_cast<std::uint32_t>(blocks);
  where.next_chunk
    = static_cast<std::uint32_t>(std::min(size * 2, largest_chunk));
  of_class.blocks += blocks;
  of_class.next_look = ~std::size_t{0};
  set_reserved(reserved() + size);
  pressed_ = holds_too_much();
  return true;
}

/// Returns an unused chunk.
void slab::release(const std::byte* memory) noexcept {
  auto i = std::find_if(chunks_.begin(), chunks_.end(),
                        [&](const chunk& x) { return x.memory == memory; });
  tables_->chunks[i->owner].blocks -= i->size / block_size_of(i->owner);
  set_reserved(reserved() - i->size);
  unpoison(i->memory, i->size);
  chunk_pool::process().deallocate(i->memory, i->size);
  *i = chunks_.back();
  chunks_.pop_back();
}

void* slab::allocate_large(std::size_t size) noexcept {
  auto* memory = large_block::make(sizeof(value_hold) + size);
  if (memory == nullptr)
    return nullptr;
  auto* held = new (memory->data()) value_hold{nullptr, nullptr, memory, 0};
  hold(*held, large_footprint(size));
  return held + 1;
}

void slab::deallocate_large(void* block) noexcept {
  release(*(static_cast<value_hold*>(block) - 1));
}

void slab::hold(value_hold& x, std::size_t bytes) noexcept {
  x.previous = large_.previous;
  x.next = &large_;
  x.previous->next = &x;
  large_.previous = &x;
  x.bytes = bytes;
  count_large(bytes);
}

void slab::release(value_hold& x) noexcept {
  x.previous->next = x.next;
  x.next->previous = x.previous;
  count_large(-x.bytes);
  // The hold may be a part of the memory that this frees.
  x.block->release();
}

// -- compaction --------------------------------------------------------------------

bool slab::holds_too_much() const noexcept {
  const auto used = in_use();
  return reserved() - used > used / pressing_share + pressing;
}

bool slab::compact(std::size_t bytes) noexcept {
  if (!compaction_ && !begin_compaction()) {
    pressed_ = false; // Until it takes another chunk, there is nothing to do.
    return false;
  }
  compaction_->advance(bytes);
  for (auto n = released_at_once; n > 0; --n) {
    auto empty = compaction_->take_empty();
    if (!empty)
      break;
    release(empty->memory);
    pressed_ = pressed_ && holds_too_much();
  }
  if (!compaction_->done())
    return true;
  if (!compaction_->gained())
    tables_->chunks[compacted_].next_look = classes_[compacted_].used / 4 * 3;
  compaction_.reset();
  return true;
}

/// Chooses the class of which most bytes would be freed.
bool slab::begin_compaction() noexcept {
  if (tables_ == nullptr)
    return false;
  std::size_t most = 0;
  for (std::size_t i = 0; i < class_count; ++i) {
    const auto& c = classes_[i];
    const auto [blocks, next_look] = tables_->chunks[i];
    const auto gain = (blocks - c.used) * block_size_of(i);
    if (gain > most && (blocks - c.used) * least_free_share >= blocks
        && c.used <= next_look) {
      most = gain;
      compacted_ = i;
    }
  }
  if (most == 0)
    return false;
  try {
    std::vector<compaction::chunk> all;
    const auto block_size = block_size_of(compacted_);
    for (auto& x : chunks_)
      if (x.owner == compacted_)
        all.push_back(
          {x.memory, x.size, static_cast<std::uint32_t>(x.size / block_size)});
    compaction_.emplace(classes_[compacted_], block_size,
                        first_chunk(block_size), std::move(all));
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

/// Whether the compaction keeps this block.
bool slab::kept_back(const size_class& from, void* block) noexcept {
  return compaction_->serves(from) && compaction_->keep_back(block);
}

} // namespace troupe::memory
