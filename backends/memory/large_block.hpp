#pragma once

// Memory of a large entry: a malloc of its own, which its slab links and its
// readers may hold on to.
//
//   malloc │ room to align │ large_block │ entry: head, key, value │
//
// A slab holds it as long as the entry has a place in it; a reader that wants to
// go on after its visit, to send the value, holds it, too (held_value.hpp). The
// last to let go frees it; but what takes the system long to take back waits for
// `free_waiting`, as whoever lets go may be in a shard's turn.

#include <atomic>
#include <cstdint>
#include <new>

namespace troupe::memory {

/// Stands before the entry. The links are the slab's; `holders` is for any
/// thread.
struct large_block {
  large_block(void* from, large_block* before, large_block* behind) noexcept
    : previous(before), next(behind), memory(from) {
    // nop
  }

  /// That of an entry in a block of its own.
  [[nodiscard]] static large_block& of(const void* item) noexcept {
    return *(static_cast<large_block*>(const_cast<void*>(item)) - 1);
  }

  void hold() noexcept {
    holders.fetch_add(1, std::memory_order_relaxed);
  }

  /// After this the block may be gone.
  void release() noexcept {
    if (holders.fetch_sub(1, std::memory_order_acq_rel) == 1)
      give_back();
  }

  /// Frees the blocks that wait for it: some milliseconds for each of hundreds of
  /// megabytes. Thread-safe; outside of turns and visits.
  static void free_waiting() noexcept;

  large_block* previous;
  large_block* next;
  void* memory; ///< What malloc gave.
  std::atomic<std::uint32_t> holders{1};

private:
  void give_back() noexcept;
};

} // namespace troupe::memory
