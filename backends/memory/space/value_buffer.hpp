#pragma once

#include <cstddef>
#include <utility>

#include <troupe/backends/memory/space/large_block.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe::memory {

/// Gathers a large value piece by piece in memory that can become its entry's. So the
/// system copies a value from a network once, and not in the shard's turn. Not
/// thread-safe.
class value_buffer {
public:
  /// Allocates nothing yet.
  value_buffer() noexcept = default;

  value_buffer(value_buffer&& other) noexcept
    : block_(std::exchange(other.block_, nullptr)),
      size_(std::exchange(other.size_, 0)) {
    // nop
  }

  value_buffer& operator=(value_buffer&&) = delete;

  ~value_buffer();

  /// Returns at least `n` writable bytes after the last one; `commit` makes them part
  /// of the value. Throws std::bad_alloc; nothing has changed then.
  char* prepare(std::size_t n);

  void commit(std::size_t n) noexcept {
    size_ += n;
  }

  void append(bytes_view x);

  /// Removes all bytes after the first `n` and frees unneeded memory, if there is much.
  /// Invalidates views.
  void finish(std::size_t n) noexcept;

  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  [[nodiscard]] bytes_view view() const noexcept {
    return block_ == nullptr ? bytes_view{} : bytes_view{block_->data(), size_};
  }

  /// The charge of its memory as the value of an entry, in bytes.
  [[nodiscard]] std::size_t footprint() const noexcept {
    return block_ == nullptr ? 0 : block_->footprint(size_);
  }

  /// Returns the block with its one hold, which the caller then owns; nullptr when
  /// there is none.
  [[nodiscard]] large_block* release() noexcept {
    size_ = 0;
    return std::exchange(block_, nullptr);
  }

  /// Takes the block back, with a hold.
  void take_back(large_block& x, std::size_t size) noexcept {
    block_ = &x;
    size_ = size;
  }

private:
  [[nodiscard]] std::size_t capacity() const noexcept {
    return block_ == nullptr ? 0 : block_->capacity();
  }

  [[nodiscard]] bool resize(std::size_t n) noexcept;

  large_block* block_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace troupe::memory
