#include <troupe/backends/memory/space/large_block.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>

namespace troupe::memory {

namespace {

/// From this size on it is noticeable that the system frees pages one by one.
constexpr std::size_t slow_to_free = std::size_t{8} << 20;

/// Bytes that may wait. A thread that releases a block beyond this frees it itself.
constexpr std::size_t most_waiting = std::size_t{2} << 30;

/// Bytes freed at a time: unmapping locks out all page faults of the process meanwhile,
/// so little should be left to unmap.
constexpr std::size_t slice = std::size_t{4} << 20;
constexpr std::size_t page = 4096;

/// A mapping is this many times as long as its value needs.
constexpr std::size_t room_factor = 2;

/// Largest value; see `region_options`. More room is useless.
constexpr std::size_t most_room = std::size_t{512} << 20;

std::atomic<large_block*> waiting{nullptr};
std::atomic<std::size_t> waiting_bytes{0};

constexpr std::size_t in_pages(std::size_t bytes) noexcept {
  return (bytes + page - 1) / page * page;
}

/// The length of a mapping for a value of `size` bytes.
constexpr std::size_t mapping_for(std::size_t size) noexcept {
  const auto room = std::max(size, std::min(size * room_factor, most_room));
  return in_pages(sizeof(large_block) + room);
}

} // namespace

large_block* large_block::make(std::size_t size) noexcept {
  if (size >= own_mapping)
    return make_mapped(size);
  auto* memory = std::malloc(sizeof(large_block) + size);
  return memory == nullptr ? nullptr : new (memory) large_block(size, false);
}

large_block* large_block::make_mapped(std::size_t size) noexcept {
  // Where the system commits address space, there may be too little for the longer
  // mapping.
  for (auto length :
       {mapping_for(size), in_pages(sizeof(large_block) + size)}) {
    auto* memory = ::mmap(nullptr, length, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
      continue;
    // A huge page would extend beyond the end of the value, and not be charged.
    ::madvise(memory, length, MADV_NOHUGEPAGE);
    return new (memory) large_block(length - sizeof(large_block), true);
  }
  return nullptr;
}

large_block* large_block::resize(large_block& x, std::size_t kept,
                                 std::size_t size) noexcept {
  if (x.mapped_) {
    const auto length = mapping_for(size);
    auto* moved = ::mremap(&x, x.mapped_bytes(), length, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
      return nullptr;
    return new (moved) large_block(length - sizeof(large_block), true);
  }
  if (size < own_mapping) {
    auto* moved
      = std::realloc(static_cast<void*>(&x), sizeof(large_block) + size);
    return moved == nullptr ? nullptr : new (moved) large_block(size, false);
  }
  auto* result = make_mapped(size);
  if (result == nullptr)
    return nullptr;
  std::memcpy(result->data(), x.data(), std::min(kept, size));
  x.free_now();
  return result;
}

std::size_t large_block::mapped_bytes() const noexcept {
  return sizeof(large_block) + capacity_;
}

std::size_t large_block::footprint(std::size_t size) const noexcept {
  if (mapped_)
    return in_pages(sizeof(large_block) + size);
  return malloc_footprint(capacity_);
}

std::size_t large_block::footprint_of(std::size_t size,
                                      std::size_t capacity) noexcept {
  return capacity < own_mapping ? malloc_footprint(capacity)
                                : in_pages(sizeof(large_block) + size);
}

void large_block::give_back() noexcept {
  if (!mapped_ || mapped_bytes() < slow_to_free * room_factor) {
    free_now();
    return;
  }
  const auto size = mapped_bytes();
  if (waiting_bytes.fetch_add(size, std::memory_order_relaxed) + size
      > most_waiting) {
    waiting_bytes.fetch_sub(size, std::memory_order_relaxed);
    free_now();
    return;
  }
  next_ = waiting.load(std::memory_order_relaxed);
  while (!waiting.compare_exchange_weak(next_, this, std::memory_order_release,
                                        std::memory_order_relaxed))
    ;
}

void large_block::free_now() noexcept {
  if (!mapped_) {
    std::free(static_cast<void*>(this));
    return;
  }
  const auto size = mapped_bytes();
  auto* begin = reinterpret_cast<std::byte*>(this);
  for (std::size_t at = 0; at + slice <= size; at += slice)
    ::madvise(begin + at, slice, MADV_DONTNEED);
  ::munmap(begin, size);
}

void large_block::free_waiting() noexcept {
  if (waiting.load(std::memory_order_relaxed) == nullptr) [[likely]]
    return;
  auto* i = waiting.exchange(nullptr, std::memory_order_acquire);
  while (i != nullptr) {
    auto* next = i->next_;
    const auto size = i->mapped_bytes();
    i->free_now();
    waiting_bytes.fetch_sub(size, std::memory_order_relaxed);
    i = next;
  }
}

} // namespace troupe::memory
