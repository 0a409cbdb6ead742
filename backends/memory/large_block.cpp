#include <troupe/backends/memory/large_block.hpp>

#include <cstddef>
#include <cstdlib>

#include <malloc.h>
#include <sys/mman.h>

namespace troupe::memory {

namespace {

/// From here on it shows that the system takes pages back one by one.
constexpr std::size_t slow_to_free = std::size_t{8} << 20;

/// What may wait. Whoever lets go of more frees it himself.
constexpr std::size_t most_waiting = std::size_t{1} << 30;

/// Bytes given back at a time: unmapping locks out all page faults of the process
/// for as long as it takes, so that there should be nothing left to unmap.
constexpr std::size_t slice = std::size_t{4} << 20;
constexpr std::size_t page = 4096;

std::atomic<large_block*> waiting{nullptr};
std::atomic<std::size_t> waiting_bytes{0};

void free_in_slices(void* memory, std::size_t size) noexcept {
  auto* begin = static_cast<std::byte*>(memory);
  // The first page holds what malloc has to know.
  for (auto at = slice; at + slice <= size; at += slice) {
    auto* from = begin + at;
    from -= reinterpret_cast<std::uintptr_t>(from) % page;
    ::madvise(from, slice, MADV_DONTNEED);
  }
  std::free(memory);
}

} // namespace

void large_block::give_back() noexcept {
  auto size = ::malloc_usable_size(memory);
  if (size < slow_to_free) {
    std::free(memory);
    return;
  }
  if (waiting_bytes.fetch_add(size, std::memory_order_relaxed) + size
      > most_waiting) {
    waiting_bytes.fetch_sub(size, std::memory_order_relaxed);
    free_in_slices(memory, size);
    return;
  }
  next = waiting.load(std::memory_order_relaxed);
  while (!waiting.compare_exchange_weak(next, this, std::memory_order_release,
                                        std::memory_order_relaxed))
    ;
}

void large_block::free_waiting() noexcept {
  if (waiting.load(std::memory_order_relaxed) == nullptr) [[likely]]
    return;
  auto* i = waiting.exchange(nullptr, std::memory_order_acquire);
  while (i != nullptr) {
    auto* next = i->next;
    auto* memory = i->memory;
    auto size = ::malloc_usable_size(memory);
    free_in_slices(memory, size);
    waiting_bytes.fetch_sub(size, std::memory_order_relaxed);
    i = next;
  }
}

} // namespace troupe::memory
