#pragma once

#include <cstddef>
#include <utility>

#include <troupe/messages/types/bytes.hpp>

namespace troupe::memory {

/// Gathers a large value piece by piece in memory that can become its entry: in
/// front of it there is room for the key and all that stands before it. So a
/// value that comes over a network is copied once, by the system, and not in the
/// shard's turn. Not thread-safe.
class value_buffer {
public:
  /// For a value under a key of this size. Allocates nothing yet.
  explicit value_buffer(std::size_t key_size) noexcept;

  value_buffer(value_buffer&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      begin_(other.begin_),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {
    // nop
  }

  value_buffer& operator=(value_buffer&&) = delete;

  ~value_buffer();

  /// At least `n` writable bytes behind the last one; `commit` makes them part
  /// of the value. Throws std::bad_alloc and then has not changed.
  char* prepare(std::size_t n);

  void commit(std::size_t n) noexcept {
    size_ += n;
  }

  void append(bytes_view x);

  /// Forgets everything behind the first `n` bytes and gives back memory that is
  /// not needed, if there is much. Ends views.
  void finish(std::size_t n) noexcept;

  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  [[nodiscard]] bytes_view view() const noexcept {
    return {static_cast<const char*>(memory_) + (memory_ ? begin_ : 0), size_};
  }

  // -- for the slab --------------------------------------------------------------

  /// Where an entry with `head` bytes before the value would begin; nullptr when
  /// it cannot be built here.
  [[nodiscard]] void* place(std::size_t head) const noexcept;

  /// Gives up the memory, which std::free takes.
  [[nodiscard]] void* release() noexcept {
    size_ = 0;
    capacity_ = 0;
    return std::exchange(memory_, nullptr);
  }

private:
  void* memory_ = nullptr;
  std::size_t begin_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0; ///< Bytes for the value.
};

} // namespace troupe::memory
