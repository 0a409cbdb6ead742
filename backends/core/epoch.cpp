#include <troupe/backends/core/epoch.hpp>

#include <algorithm>
#include <cassert>
#include <new>
#include <thread>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace troupe {

namespace detail {

constinit epoch_state epochs;
thread_local constinit epoch_slot* this_thread_slot = nullptr;

namespace {

/// Registers the process once, before main and before the first reader: other static
/// objects may read, so it must be constructed before those.
struct membarrier_registration {
  membarrier_registration() noexcept {
#ifndef TROUPE_THREAD_SANITIZER
    epochs.asymmetric
      = ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0,
                  0)
        == 0;
#endif
  }
};

// The first priority that is not reserved for the system.
[[gnu::init_priority(101)]] const membarrier_registration registered;

/// Returns the slot when its thread ends.
struct slot_owner {
  epoch_slot* slot = nullptr;

  ~slot_owner() {
    if (slot == nullptr)
      return;
    this_thread_slot = nullptr;
    slot->owned.store(false, std::memory_order_release);
  }
};

thread_local slot_owner owner;

} // namespace

epoch_slot& acquire_epoch_slot() noexcept {
  auto* slot = epochs.slots.load(std::memory_order_acquire);
  for (; slot != nullptr; slot = slot->next) {
    auto owned = false;
    if (slot->owned.compare_exchange_strong(owned, true,
                                            std::memory_order_acq_rel))
      break;
  }
  if (slot == nullptr) {
    // Slots are never freed: a scan may iterate over them at any time, and their number
    // is bounded by the largest number of threads alive at once.
    slot = new epoch_slot;
    slot->owned.store(true, std::memory_order_relaxed);
    auto* head = epochs.slots.load(std::memory_order_relaxed);
    do {
      slot->next = head;
    } while (!epochs.slots.compare_exchange_weak(head, slot,
                                                 std::memory_order_acq_rel));
  }
  owner.slot = slot;
  this_thread_slot = slot;
  return *slot;
}

} // namespace detail

namespace {

/// The writer's half of the barrier: afterwards, every reader either has its
/// slot visible to this thread or starts its loads after this call.
void writer_barrier() noexcept {
#ifndef TROUPE_THREAD_SANITIZER
  if (detail::epochs.asymmetric)
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

/// The smallest epoch that a reader is in; `idle` when there is no reader.
std::uint64_t oldest_reader() noexcept {
  auto oldest = detail::epoch_slot::idle;
  for (auto* slot = detail::epochs.slots.load(std::memory_order_acquire);
       slot != nullptr; slot = slot->next)
    oldest = std::min(oldest, slot->entered.load(std::memory_order_seq_cst));
  return oldest;
}

/// Finds the oldest epoch in use, unless another thread is doing so already.
void scan() noexcept {
  auto& state = detail::epochs;
  if (state.scanning.exchange(true, std::memory_order_acquire))
    return;
  state.waiting.store(0, std::memory_order_relaxed);
  auto now = state.global.load(std::memory_order_seq_cst);
  writer_barrier();
  auto safe = std::min(now, oldest_reader());
  // A reader may show an epoch that it loaded long before it stored it.
  if (safe > state.safe.load(std::memory_order_relaxed))
    state.safe.store(safe, std::memory_order_release);
  state.scanning.store(false, std::memory_order_release);
}

} // namespace

retired_list::~retired_list() {
  drain();
}

/// Puts an object into a batch that may need memory for it, or that it completes.
void retired_list::retire_last(void* object, std::size_t size) noexcept {
  try {
    if (open_.objects.capacity() == 0) {
      if (spare_.empty()) {
        open_.objects.reserve(batch_objects);
      } else {
        open_.objects = std::move(spare_.back());
        spare_.pop_back();
      }
    }
    open_.objects.push_back(object);
  } catch (const std::bad_alloc&) {
    return;
  }
  open_.bytes += size;
  if (open_.objects.size() < batch_objects && open_.bytes < batch_bytes)
    [[likely]]
    return;
  auto cost = open_.bytes + open_.objects.size() * object_cost;
  if (!seal())
    return;
  auto& waiting = detail::epochs.waiting;
  if (waiting.fetch_add(cost, std::memory_order_relaxed) + cost >= scan_after)
    scan();
  free_safe();
}

void retired_list::collect() noexcept {
  if (!open_.objects.empty() && !seal())
    return;
  free_safe();
  if (sealed_.empty())
    return;
  scan();
  free_safe();
}

/// Ends the open batch. Without memory for another batch, the open one continues and a
/// later call tries again.
bool retired_list::seal() noexcept {
  try {
    sealed_.emplace_back();
  } catch (const std::bad_alloc&) {
    return false;
  }
  std::swap(sealed_.back(), open_);
  sealed_.back().tag
    = detail::epochs.global.fetch_add(1, std::memory_order_seq_cst) + 1;
  return true;
}

/// Frees the batches that no reader can see.
void retired_list::free_safe() noexcept {
  auto safe = detail::epochs.safe.load(std::memory_order_acquire);
  auto i = sealed_.begin();
  for (; i != sealed_.end() && i->tag <= safe; ++i)
    release(*i);
  sealed_.erase(sealed_.begin(), i);
}

void retired_list::release(batch& which) noexcept {
  // By now the objects have left the near caches; freeing writes to them.
  constexpr std::size_t ahead = 8;
  auto n = which.objects.size();
  for (std::size_t i = 0; i < n; ++i) {
    if (i + ahead < n)
      __builtin_prefetch(which.objects[i + ahead], 1);
    free_(context_, which.objects[i]);
  }
  count(bytes() - which.bytes);
  which.objects.clear();
  if (spare_.size() < 2) {
    try {
      spare_.push_back(std::move(which.objects));
    } catch (const std::bad_alloc&) {
      // A spare vector only saves an allocation.
    }
  }
}

void retired_list::drain() noexcept {
  assert(detail::this_thread_slot == nullptr
         || detail::this_thread_slot->idle_here());
  for (;;) {
    collect();
    if (open_.objects.empty() && sealed_.empty())
      return;
    std::this_thread::yield();
  }
}

void retired_list::forget() noexcept {
  open_.objects.clear();
  open_.bytes = 0;
  sealed_.clear();
  count(0);
}

} // namespace troupe
