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

/// Registers the process once, before main and before any reader exists.
const bool membarrier_registered = [] {
#ifdef TROUPE_THREAD_SANITIZER
  return false;
#else
  auto ok = ::syscall(SYS_membarrier,
                      MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0)
            == 0;
  epochs.asymmetric = ok;
  return ok;
#endif
}();

/// Gives the slot back when its thread ends.
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
    // Slots are never freed: a scan may walk over them at any time, and their
    // number is bounded by the largest number of threads alive at once.
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

} // namespace

retired_list::~retired_list() {
  drain();
}

void retired_list::retire(void* object, std::size_t size, free_function free,
                          void* context) noexcept {
  try {
    if (open_.items.capacity() == 0) {
      if (spare_.empty()) {
        open_.items.reserve(batch_objects);
      } else {
        open_.items = std::move(spare_.back());
        spare_.pop_back();
      }
    }
    open_.items.push_back({object, size, free, context});
  } catch (const std::bad_alloc&) {
    bytes_ += size;
    return;
  }
  bytes_ += size;
  open_bytes_ += size;
  if (open_.items.size() >= batch_objects || open_bytes_ >= batch_bytes)
    collect();
}

void retired_list::collect() noexcept {
  if (!open_.items.empty())
    seal();
  free_until(oldest_reader());
}

/// Ends the open batch and raises the barrier for it. Without memory for one
/// more batch, the open one goes on and a later call tries again.
void retired_list::seal() noexcept {
  try {
    sealed_.emplace_back();
  } catch (const std::bad_alloc&) {
    return;
  }
  std::swap(sealed_.back(), open_);
  open_bytes_ = 0;
  sealed_.back().tag
    = detail::epochs.global.fetch_add(1, std::memory_order_seq_cst) + 1;
  writer_barrier();
}

void retired_list::free_until(std::uint64_t oldest) noexcept {
  while (!sealed_.empty() && sealed_.front().tag <= oldest) {
    auto& front = sealed_.front();
    release(front);
    if (spare_.size() < 2) {
      try {
        spare_.push_back(std::move(front.items));
      } catch (const std::bad_alloc&) {
        // A spare vector is a convenience only.
      }
    }
    sealed_.pop_front();
  }
}

void retired_list::release(batch& which) noexcept {
  for (auto& x : which.items) {
    x.free(x.context, x.object);
    bytes_ -= x.size;
  }
  which.items.clear();
}

void retired_list::drain() noexcept {
  assert(detail::this_thread_slot == nullptr
         || detail::this_thread_slot->depth == 0);
  for (;;) {
    collect();
    if (open_.items.empty() && sealed_.empty())
      return;
    std::this_thread::yield();
  }
}

} // namespace troupe
