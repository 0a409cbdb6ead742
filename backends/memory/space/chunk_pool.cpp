#include <troupe/backends/memory/space/chunk_pool.hpp>

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>
#include <utility>

#include <sys/mman.h>

namespace troupe::memory {

namespace {

std::uintptr_t address(const void* x) noexcept {
  return reinterpret_cast<std::uintptr_t>(x);
}

/// The start of the extent that `x` lies in.
std::uintptr_t extent_start(const void* x) noexcept {
  return address(x) & ~std::uintptr_t{chunk_pool::extent_size - 1};
}

/// Makes the system clear pages now instead of at their first use, by writing to them:
/// madvise(MADV_POPULATE_WRITE) would lock the address space meanwhile, so that no
/// other thread could map memory.
void populate(void* pages, std::size_t size) noexcept {
  auto* first = static_cast<volatile char*>(pages);
  for (std::size_t i = 0; i < size; i += chunk_pool::smallest_chunk)
    first[i] = 0;
}

} // namespace

void* map_pages(std::size_t size) noexcept {
  // The system aligns to small pages only: map more and unmap the edges.
  constexpr auto alignment = chunk_pool::extent_size;
  auto* raw = ::mmap(nullptr, size + alignment, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED)
    return nullptr;
  auto* first = static_cast<std::byte*>(raw);
  auto before = (alignment - address(raw) % alignment) % alignment;
  if (before > 0)
    ::munmap(first, before);
  ::munmap(first + before + size, alignment - before);
  return first + before;
}

void prefer_huge(void* pages, std::size_t size) noexcept {
  // Without huge pages of the system, small ones are used.
  static_cast<void>(::madvise(pages, size, MADV_HUGEPAGE));
}

void unmap_pages(void* pages, std::size_t size) noexcept {
  ::munmap(pages, size);
}

chunk_pool& chunk_pool::process() noexcept {
  // Regions may end later than any static object.
  alignas(chunk_pool) static std::byte place[sizeof(chunk_pool)];
  static auto* pool = new (place) chunk_pool;
  return *pool;
}

chunk_pool::~chunk_pool() {
  for (auto& x : extents_)
    unmap_pages(reinterpret_cast<void*>(x.first), extent_size);
  for (auto* x : ready_)
    unmap_pages(x, extent_size);
  for (auto* x : untouched_)
    unmap_pages(x, extent_size);
}

void* chunk_pool::allocate(std::size_t size) noexcept {
  auto wanted = order_of(size);
  std::lock_guard guard{mutex_};
  auto order = wanted;
  while (order < orders && free_[order] == nullptr)
    ++order;
  if (order == orders) {
    if (!add_extent())
      return nullptr;
    order = orders - 1;
  }
  auto* chunk = reinterpret_cast<std::byte*>(free_[order]);
  remove(chunk, order);
  // A chunk that is too large is halved; the upper half is kept.
  while (order > wanted) {
    --order;
    push(chunk + (smallest_chunk << order), order);
  }
  forget_purged(chunk, wanted);
  return chunk;
}

void chunk_pool::deallocate(void* chunk, std::size_t size) noexcept {
  std::lock_guard guard{mutex_};
  put_back(chunk, order_of(size));
  if (!excess_ && too_much_free()) {
    excess_ = true;
    changed_.notify_one();
  }
}

/// Makes a chunk free and joins it with its neighbours.
void chunk_pool::put_back(void* chunk, std::size_t order) noexcept {
  auto& home = extent_of(chunk);
  auto start = extent_start(chunk);
  auto offset = address(chunk) - start;
  // Two free halves become one chunk again.
  for (; order + 1 < orders; ++order) {
    auto buddy = offset ^ (smallest_chunk << order);
    if (home.free_order[buddy / smallest_chunk] != order + 1)
      break;
    remove(reinterpret_cast<void*>(start + buddy), order);
    offset &= ~(smallest_chunk << order);
  }
  if (order == orders - 1 && free_[order] != nullptr) {
    // One empty extent is kept, for the next allocations.
    purged_ -= home.purged.count();
    extents_.erase(start);
    unmap_pages(reinterpret_cast<void*>(start), extent_size);
    return;
  }
  push(reinterpret_cast<void*>(start + offset), order);
}

std::size_t chunk_pool::reserved() const noexcept {
  std::lock_guard guard{mutex_};
  return (extents_.size() + ready_.size()) * extent_size
         - purged_ * smallest_chunk;
}

void chunk_pool::keep_ready(std::stop_token stop) noexcept {
  while (!stop.stop_requested()) {
    while (add_ready() && !stop.stop_requested())
      continue;
    std::unique_lock guard{mutex_};
    if (demand_ == 0 && !excess_)
      changed_.wait(guard, stop, [this] { return taken_ || excess_; });
    // From here on only extents that are taken before the timeout count.
    changed_.wait_for(guard, stop, patience, [this] { return taken_; });
    if (std::exchange(taken_, false))
      continue;
    guard.unlock();
    lower_demand();
    while (!stop.stop_requested() && purge())
      continue;
  }
}

bool chunk_pool::too_much_free() const noexcept {
  return free_bytes_ - purged_ * smallest_chunk
         > extents_.size() * extent_size / kept_free_share + kept_free;
}

/// Returns the pages of some free chunks to the system; false when not so much is free,
/// or no chunk is worth it.
bool chunk_pool::purge() noexcept {
  struct taken {
    void* chunk;
    std::size_t order;
  };
  std::array<taken, purged_at_once> chunks;
  std::size_t count = 0;
  {
    std::lock_guard guard{mutex_};
    excess_ = false;
    if (!too_much_free())
      return false;
    for (auto order = orders; order-- > purged_order;)
      for (auto* x = free_[order]; x != nullptr && count < chunks.size();) {
        auto* next = x->next;
        auto unit = (address(x) - extent_start(x)) / smallest_chunk;
        // Its first page holds the links.
        if (!extent_of(x).purged[unit + 1])
          chunks[count++] = {x, order};
        x = next;
      }
    for (std::size_t i = 0; i < count; ++i)
      remove(chunks[i].chunk, chunks[i].order);
  }
  // The slow part, without the mutex, on chunks that no other thread can reach.
  for (std::size_t i = 0; i < count; ++i) {
    auto [chunk, order] = chunks[i];
    auto* pages = static_cast<std::byte*>(chunk);
    // Otherwise the system would make a huge page of the whole extent again.
    ::madvise(reinterpret_cast<void*>(extent_start(chunk)), extent_size,
              MADV_NOHUGEPAGE);
    ::madvise(pages + smallest_chunk,
              (smallest_chunk << order) - smallest_chunk, MADV_DONTNEED);
  }
  std::lock_guard guard{mutex_};
  for (std::size_t i = 0; i < count; ++i) {
    auto [chunk, order] = chunks[i];
    auto& home = extent_of(chunk);
    auto unit = (address(chunk) - extent_start(chunk)) / smallest_chunk;
    for (std::size_t k = 1; k < std::size_t{1} << order; ++k)
      if (!home.purged[unit + k]) {
        home.purged.set(unit + k);
        ++purged_;
      }
    put_back(chunk, order);
  }
  return count > 0;
}

/// The pages of a chunk that is taken belong to it again.
void chunk_pool::forget_purged(const void* chunk, std::size_t order) noexcept {
  if (purged_ == 0)
    return;
  auto& home = extent_of(chunk);
  auto unit = (address(chunk) - extent_start(chunk)) / smallest_chunk;
  for (std::size_t i = 0; i < std::size_t{1} << order; ++i)
    if (home.purged[unit + i]) {
      home.purged.reset(unit + i);
      --purged_;
    }
}

/// Reduces the number of extents to keep by one.
void chunk_pool::lower_demand() noexcept {
  void* excess = nullptr;
  {
    std::lock_guard guard{mutex_};
    if (demand_ > 0)
      --demand_;
    if (ready_.size() > demand_) {
      excess = ready_.back();
      ready_.pop_back();
    }
  }
  if (excess != nullptr)
    unmap_pages(excess, extent_size);
}

/// Prepares one more extent; false when there are enough, or no memory.
bool chunk_pool::add_ready() noexcept {
  {
    std::lock_guard guard{mutex_};
    if (ready_.size() >= demand_)
      return false;
  }
  // The slow part, without the mutex.
  auto* pages = map_pages(extent_size);
  if (pages == nullptr)
    return false;
  prefer_huge(pages, extent_size);
  populate(pages, extent_size);
  std::lock_guard guard{mutex_};
  try {
    ready_.push_back(pages);
  } catch (const std::bad_alloc&) {
    unmap_pages(pages, extent_size);
    return false;
  }
  return true;
}

std::size_t chunk_pool::order_of(std::size_t size) noexcept {
  assert(std::has_single_bit(size));
  assert(size >= smallest_chunk && size <= extent_size);
  return static_cast<std::size_t>(std::bit_width(size / smallest_chunk)) - 1;
}

chunk_pool::extent& chunk_pool::extent_of(const void* chunk) noexcept {
  auto i = extents_.find(extent_start(chunk));
  assert(i != extents_.end());
  return *i->second;
}

bool chunk_pool::add_extent() noexcept {
  void* pages = nullptr;
  if (!ready_.empty()) {
    pages = ready_.back();
    ready_.pop_back();
  } else {
    demand_ = std::clamp(2 * demand_, first_ready, most_ready);
    if (untouched_.empty() && !map_more())
      return false;
    pages = untouched_.back();
    untouched_.pop_back();
  }
  taken_ = true;
  changed_.notify_one();
  try {
    extents_.emplace(address(pages), std::make_unique<extent>());
  } catch (const std::bad_alloc&) {
    unmap_pages(pages, extent_size);
    return false;
  }
  push(pages, orders - 1);
  return true;
}

/// Maps some extents at once.
bool chunk_pool::map_more() noexcept {
  try {
    untouched_.reserve(mapped_at_once);
  } catch (const std::bad_alloc&) {
    return false;
  }
  auto* pages
    = static_cast<std::byte*>(map_pages(mapped_at_once * extent_size));
  if (pages == nullptr)
    return false;
  for (auto i = mapped_at_once; i > 0; --i)
    untouched_.push_back(pages + (i - 1) * extent_size);
  return true;
}

/// Adds a chunk to the free ones.
void chunk_pool::push(void* chunk, std::size_t order) noexcept {
  auto* added = new (chunk) free_chunk{nullptr, free_[order]};
  if (added->next != nullptr)
    added->next->previous = added;
  free_[order] = added;
  auto unit = (address(chunk) - extent_start(chunk)) / smallest_chunk;
  extent_of(chunk).free_order[unit] = static_cast<std::uint8_t>(order + 1);
  free_bytes_ += smallest_chunk << order;
  // The links have their own page.
  forget_purged(chunk, 0);
}

/// Removes a chunk from the free ones.
void chunk_pool::remove(void* chunk, std::size_t order) noexcept {
  auto* taken = static_cast<free_chunk*>(chunk);
  (taken->previous == nullptr ? free_[order] : taken->previous->next)
    = taken->next;
  if (taken->next != nullptr)
    taken->next->previous = taken->previous;
  auto unit = (address(chunk) - extent_start(chunk)) / smallest_chunk;
  extent_of(chunk).free_order[unit] = 0;
  free_bytes_ -= smallest_chunk << order;
}

std::string chunk_pool::validate() const {
  std::lock_guard guard{mutex_};
  std::size_t listed = 0;
  for (std::size_t order = 0; order < orders; ++order) {
    for (auto* x = free_[order]; x != nullptr; x = x->next) {
      ++listed;
      auto home = extents_.find(extent_start(x));
      if (home == extents_.end())
        return "a free chunk lies in no extent";
      auto unit = (address(x) - home->first) / smallest_chunk;
      if (home->second->free_order[unit] != order + 1)
        return "a free chunk is not known as such";
    }
  }
  std::size_t known = 0;
  std::size_t bytes = 0;
  std::size_t purged = 0;
  for (auto& x : extents_) {
    purged += x.second->purged.count();
    std::size_t unit = 0;
    while (unit < units) {
      auto order = x.second->free_order[unit];
      if (order == 0) {
        ++unit;
        continue;
      }
      ++known;
      auto length = std::size_t{1} << (order - 1);
      bytes += length * smallest_chunk;
      auto buddy = unit ^ length;
      if (buddy < units && x.second->free_order[buddy] == order)
        return "two free halves were not joined";
      for (std::size_t i = 1; i < length; ++i)
        if (x.second->free_order[unit + i] != 0)
          return "free chunks overlap";
      unit += length;
    }
  }
  if (bytes != free_bytes_)
    return "free are " + std::to_string(bytes) + " bytes, counted "
           + std::to_string(free_bytes_);
  if (purged != purged_)
    return "purged are " + std::to_string(purged) + " units, counted "
           + std::to_string(purged_);
  if (known != listed)
    return "known are " + std::to_string(known) + " free chunks, listed "
           + std::to_string(listed);
  return {};
}

} // namespace troupe::memory
