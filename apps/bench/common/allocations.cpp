#include <apps/bench/common/allocations.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

#if !defined(TROUPE_ADDRESS_SANITIZER) && !defined(TROUPE_THREAD_SANITIZER)
#  define TROUPE_BENCH_COUNTS_ALLOCATIONS
#endif

namespace troupe::bench {

namespace {

// Off while times are measured: then all it costs is a look at the flag.
std::atomic<bool> counting{false};
std::atomic<std::uint64_t> calls{0};

} // namespace

bool counts_allocations() noexcept {
#ifdef TROUPE_BENCH_COUNTS_ALLOCATIONS
  return true;
#else
  return false;
#endif
}

allocation_count::allocation_count() noexcept {
  calls.store(0, std::memory_order_relaxed);
  counting.store(true, std::memory_order_relaxed);
}

allocation_count::~allocation_count() {
  counting.store(false, std::memory_order_relaxed);
}

std::uint64_t allocation_count::value() const noexcept {
  return calls.load(std::memory_order_relaxed);
}

#ifdef TROUPE_BENCH_COUNTS_ALLOCATIONS

namespace {

void count() noexcept {
  if (counting.load(std::memory_order_relaxed))
    calls.fetch_add(1, std::memory_order_relaxed);
}

} // namespace

#endif

} // namespace troupe::bench

#ifdef TROUPE_BENCH_COUNTS_ALLOCATIONS

// For the whole program; the forms for arrays and without exceptions end up
// here, too.

void* operator new(std::size_t size) {
  troupe::bench::count();
  if (auto* result = std::malloc(size == 0 ? 1 : size))
    return result;
  throw std::bad_alloc{};
}

void* operator new(std::size_t size, std::align_val_t alignment) {
  troupe::bench::count();
  auto step = static_cast<std::size_t>(alignment);
  // aligned_alloc wants a multiple of the alignment.
  if (auto* result = std::aligned_alloc(step, (size + step - 1) / step * step))
    return result;
  throw std::bad_alloc{};
}

void operator delete(void* x) noexcept {
  std::free(x);
}

void operator delete(void* x, std::size_t) noexcept {
  std::free(x);
}

void operator delete(void* x, std::align_val_t) noexcept {
  std::free(x);
}

void operator delete(void* x, std::size_t, std::align_val_t) noexcept {
  std::free(x);
}

#endif
