#pragma once

// Memory of a large value, apart from its entry: so another entry can take over the
// value, under the same key or another one, without a copy.
//
//   entry: head │ key │ value_hold ──► large_block │ value │ room to grow
//                                          ▲
//            held_value of a reader ───────┘
//
// A block counts its holders: entries that readers may still see, and readers that keep
// the value after their visit (held_value.hpp). The last holder that releases it frees
// it. But memory that the system takes long to free waits for `free_waiting`, because
// the last holder may be in a shard's turn.
//
// Bytes that an entry covers never change. The writer may append after the end of the
// value, if only one key has the block as its value: older entries of the key end
// before that, and the new entry is published after it.
//
// Blocks below `own_mapping` come from malloc. Larger ones are mapped, with twice the
// address space that they need: untouched pages take no memory, so that such a value
// can grow to twice its size without a copy.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace troupe::memory {

/// The head of the block, before the value. Counters are for any thread.
class large_block {
public:
  /// Returns a block with room for `size` bytes and one holder, or nullptr when there
  /// is no memory.
  [[nodiscard]] static large_block* make(std::size_t size) noexcept;

  /// Changes the room to `size` bytes, of which the first `kept` stay; for its only
  /// holder. Moves pages instead of bytes once the block is large. nullptr when there
  /// is no memory: nothing has changed then.
  [[nodiscard]] static large_block* resize(large_block& x, std::size_t kept,
                                           std::size_t size) noexcept;

  large_block(const large_block&) = delete;
  large_block& operator=(const large_block&) = delete;

  [[nodiscard]] char* data() noexcept {
    return reinterpret_cast<char*>(this + 1);
  }

  [[nodiscard]] const char* data() const noexcept {
    return reinterpret_cast<const char*>(this + 1);
  }

  /// Its room in bytes.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return capacity_;
  }

  /// Whether its bytes are zero when it is new.
  [[nodiscard]] bool begins_with_zeros() const noexcept {
    return mapped_;
  }

  /// The system's memory that it takes with a value of `size` bytes: the whole block
  /// or, when it is mapped, the pages that were touched.
  [[nodiscard]] std::size_t footprint(std::size_t size) const noexcept;

  /// The same for a block that `make(capacity)` returns.
  [[nodiscard]] static std::size_t footprint_of(std::size_t size,
                                                std::size_t capacity) noexcept;

  /// The same for a block from malloc with room for `size` bytes.
  [[nodiscard]] static std::size_t malloc_footprint(std::size_t size) noexcept {
    constexpr std::size_t own_header = 8;
    constexpr std::size_t step = 16;
    return (sizeof(large_block) + size + own_header + step - 1) / step * step;
  }

  void hold() noexcept {
    holders_.fetch_add(1, std::memory_order_relaxed);
  }

  /// After this call the block may be freed.
  void release() noexcept {
    if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      give_back();
  }

  /// A table counts one more, or one less, key with this value.
  void count_key(bool in) noexcept {
    keys_.fetch_add(in ? 1U : ~0U, std::memory_order_relaxed);
  }

  /// Whether `added` bytes may be written after the first `size` bytes, which are the
  /// value of a key, in the turn of its shard. Only in that turn the number of keys can
  /// exceed one.
  [[nodiscard]] bool can_append(std::size_t size,
                                std::size_t added) const noexcept {
    return added <= capacity_ - size
           && keys_.load(std::memory_order_relaxed) == 1;
  }

  /// Frees the waiting blocks. One of hundreds of megabytes takes some milliseconds.
  /// Thread-safe; must be called outside of turns and visits.
  static void free_waiting() noexcept;

  /// Values of this size or more are mapped. A copy of less takes about a millisecond.
  static constexpr std::size_t own_mapping = std::size_t{4} << 20;

private:
  large_block(std::size_t capacity, bool mapped) noexcept
    : capacity_(capacity), mapped_(mapped) {
    // nop
  }

  [[nodiscard]] static large_block* make_mapped(std::size_t size) noexcept;
  [[nodiscard]] std::size_t mapped_bytes() const noexcept;
  void give_back() noexcept;
  void free_now() noexcept;

  large_block* next_ = nullptr; ///< The next block that waits to be freed.
  std::size_t capacity_;
  std::atomic<std::uint32_t> holders_{1};
  std::atomic<std::uint32_t> keys_{0};
  bool mapped_;
};

static_assert(sizeof(large_block) == 32);

/// One of a slab's holds: it lies in the memory that refers to the block. All members
/// but `block` belong to the slab.
struct value_hold {
  value_hold* previous = nullptr;
  value_hold* next = nullptr;
  large_block* block = nullptr;
  std::size_t bytes = 0; ///< What the slab counts for the value.
};

} // namespace troupe::memory
