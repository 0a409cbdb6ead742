#pragma once

// Safe memory reclamation for lock-free readers: epochs, with one scan for all
// writers instead of two grace periods for each.
//
//   reader:  slot = global epoch; [barrier]; read; slot = idle
//   writer:  unlink; retire into a batch; when the batch is full:
//            tag = ++global epoch; put the batch aside
//   a writer that put enough aside:
//            now = global epoch; [barrier];
//            safe = min(now, smallest epoch in a reader's slot)
//   writer:  free every batch whose tag is at most `safe`
//
// A reader whose slot the scan did not see starts its loads after the barrier
// and cannot find what was unlinked before it; a reader whose slot shows the
// tag or a later epoch read the global epoch after the unlink. This is the
// scheme of Fraser (2004, section 5.2.3), with the batch's own tag in place of
// three rotating epochs.
//
// The reader's barrier must order its store before its later loads, which
// costs a full fence. Linux can move that cost to the writer: membarrier(2)
// runs a fence on every core that runs a thread of the process; readers then
// need a compiler barrier only. It interrupts those cores (20 microseconds on a
// virtual machine), so one scan serves the batches of all writers, and comes
// once per some thousand objects. Without the system call, and under
// ThreadSanitizer, both sides use real fences.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace troupe {

namespace detail {

/// One per thread that has ever read; reused after the thread ended.
struct alignas(64) epoch_slot {
  static constexpr std::uint64_t idle = ~std::uint64_t{0};

  /// The epoch this thread entered in, or `idle`.
  std::atomic<std::uint64_t> entered{idle};

  std::atomic<bool> owned{false};
  epoch_slot* next = nullptr;

  /// For the owning thread: whether it is outside of all guards.
  [[nodiscard]] bool idle_here() const noexcept {
    return entered.load(std::memory_order_relaxed) == idle;
  }
};

struct epoch_state {
  std::atomic<std::uint64_t> global{1};
  std::atomic<epoch_slot*> slots{nullptr};
  /// True when readers may leave their fence to membarrier(2).
  bool asymmetric = false;

  // The rest is for writers, on its own cache line.

  /// No reader can see objects that were tagged up to this epoch. Never decreases.
  alignas(64) std::atomic<std::uint64_t> safe{0};
  /// Bytes put aside since the last scan; see `scan_after`.
  std::atomic<std::size_t> waiting{0};
  std::atomic<bool> scanning{false};
};

extern epoch_state epochs;
extern thread_local constinit epoch_slot* this_thread_slot;

/// Takes a slot for the calling thread; it is returned when the thread ends.
epoch_slot& acquire_epoch_slot() noexcept;

} // namespace detail

/// While a guard lives, no object that the calling thread can reach through a published
/// pointer is freed. Costs some nanoseconds, without a shared write; never blocks.
/// Guards nest like scopes. Must not be moved to another thread.
class epoch_guard {
public:
  epoch_guard() noexcept
    : slot_(detail::this_thread_slot != nullptr ? *detail::this_thread_slot
                                                : detail::acquire_epoch_slot()),
      outermost_(slot_.idle_here()) {
    if (!outermost_) [[unlikely]]
      return;
#ifdef TROUPE_THREAD_SANITIZER
    // ThreadSanitizer does not model fences; the exchange is a full one.
    slot_.entered.exchange(
      detail::epochs.global.load(std::memory_order_seq_cst),
      std::memory_order_seq_cst);
#else
    slot_.entered.store(detail::epochs.global.load(std::memory_order_acquire),
                        std::memory_order_relaxed);
    if (detail::epochs.asymmetric) [[likely]]
      std::atomic_signal_fence(std::memory_order_seq_cst);
    else
      std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  }

  ~epoch_guard() {
    if (outermost_) [[likely]]
      slot_.entered.store(detail::epoch_slot::idle, std::memory_order_release);
  }

  epoch_guard(const epoch_guard&) = delete;
  epoch_guard& operator=(const epoch_guard&) = delete;

private:
  detail::epoch_slot& slot_;
  bool outermost_; ///< Inner guards leave the slot alone.
};

/// The objects that one writer unlinked and readers may still see. Used by the owner of
/// the structure from which they were unlinked; only `bytes` is for any thread.
class retired_list {
public:
  /// Frees one object; `context` is the list's.
  using free_function = void (*)(void* context, void* object) noexcept;

  retired_list(free_function free, void* context) noexcept
    : free_(free), context_(context) {
    // nop
  }

  /// Waits until no reader is left and frees everything.
  ~retired_list();

  retired_list(const retired_list&) = delete;
  retired_list& operator=(const retired_list&) = delete;

  /// Frees `object` once no reader can see it, in the order of the calls. `object` must
  /// be unlinked already. `size` (bytes) only decides when to scan. Amortised constant.
  /// When the list cannot grow, the object is leaked (and stays in `bytes`): waiting
  /// for readers here could wait for the caller itself.
  void retire(void* object, std::size_t size) noexcept {
    count(bytes() + size);
    auto& objects = open_.objects;
    if (objects.size() + 1 >= objects.capacity()
        || open_.bytes + size >= batch_bytes) [[unlikely]] {
      retire_last(object, size);
      return;
    }
    objects.push_back(object);
    open_.bytes += size;
  }

  /// Frees the objects that can be freed without waiting.
  void collect() noexcept;

  /// Waits for all readers that are inside a guard now, then frees everything.
  /// Must not be called inside a guard.
  void drain() noexcept;

  /// Forgets all objects without freeing them: another owner frees their memory.
  void forget() noexcept;

  /// Bytes retired and not yet freed. Thread-safe.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return bytes_.load(std::memory_order_relaxed);
  }

  /// Objects per batch: this many writes share one change of the global epoch, which
  /// every reader has in its cache.
  static constexpr std::size_t batch_objects = 128;

  /// A batch also ends at this many bytes, so that large values do not pile up.
  static constexpr std::size_t batch_bytes = 1 << 20;

  /// Bytes. A scan runs when this much was put aside in the whole process; each object
  /// counts at least `object_cost`. About 7,000 small entries: enough to spread the
  /// cost of a scan, few enough to fit the cache.
  static constexpr std::size_t scan_after = 4 << 20;
  static constexpr std::size_t object_cost = 512;

private:
  struct batch {
    std::uint64_t tag = 0;
    std::size_t bytes = 0;
    std::vector<void*> objects;
  };

  void retire_last(void* object, std::size_t size) noexcept;
  [[nodiscard]] bool seal() noexcept;
  void free_safe() noexcept;
  void release(batch& which) noexcept;
  void count(std::size_t bytes) noexcept {
    bytes_.store(bytes, std::memory_order_relaxed);
  }

  batch open_;
  std::atomic<std::size_t> bytes_{0}; ///< Written by the owner only.
  free_function free_;
  void* context_;
  std::vector<batch> sealed_; ///< In the order of their tags.
  std::vector<std::vector<void*>> spare_;
};

} // namespace troupe
