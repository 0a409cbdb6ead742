#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace troupe::net {

/// A growing array of bytes for sockets. Unlike `std::string` it does not
/// initialise what it allocates, and it grows by `realloc`, which moves pages
/// instead of bytes once a value is large. Views into it end with the next
/// change. Throws `std::bad_alloc` and then has not changed.
class byte_buffer {
public:
  byte_buffer() noexcept = default;

  byte_buffer(byte_buffer&& other) noexcept {
    swap(other);
  }

  byte_buffer& operator=(byte_buffer&& other) noexcept {
    byte_buffer{std::move(other)}.swap(*this);
    return *this;
  }

  ~byte_buffer() {
    std::free(memory_);
  }

  void swap(byte_buffer& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  [[nodiscard]] const char* data() const noexcept {
    return memory_ + begin_;
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  /// Writable bytes behind the last one, without a move.
  [[nodiscard]] std::size_t room() const noexcept {
    return capacity_ - begin_ - size_;
  }

  /// Bytes of memory that it has.
  [[nodiscard]] std::size_t capacity() const noexcept {
    return capacity_;
  }

  [[nodiscard]] bool empty() const noexcept {
    return size_ == 0;
  }

  [[nodiscard]] std::string_view view() const noexcept {
    return {data(), size_};
  }

  /// At least `n` writable bytes behind the last one; `commit` makes them part
  /// of the content.
  char* prepare(std::size_t n) {
    if (room() < n) [[unlikely]]
      make_room(n);
    return memory_ + begin_ + size_;
  }

  void commit(std::size_t n) noexcept {
    size_ += n;
  }

  void append(std::string_view x) {
    if (!x.empty()) {
      std::memcpy(prepare(x.size()), x.data(), x.size());
      size_ += x.size();
    }
  }

  /// Forgets everything behind the first `n` bytes.
  void truncate(std::size_t n) noexcept {
    size_ = n;
  }

  /// Forgets the first `n` bytes. Amortised constant time.
  void consume(std::size_t n) noexcept {
    size_ -= n;
    begin_ = size_ == 0 ? 0 : begin_ + n;
  }

  /// Forgets everything, and gives memory back when it holds more than `keep`.
  void clear(std::size_t keep) noexcept {
    begin_ = 0;
    size_ = 0;
    if (capacity_ > keep) {
      std::free(memory_);
      memory_ = nullptr;
      capacity_ = 0;
    }
  }

private:
  void make_room(std::size_t n) {
    // What was forgotten pays for moving what was not.
    const auto dense = begin_ < size_;
    if (begin_ > 0) {
      std::memmove(memory_, memory_ + begin_, size_);
      begin_ = 0;
    }
    if (dense || capacity_ - size_ < n)
      grow(n);
  }

  void grow(std::size_t n) {
    auto wanted = capacity_ < 128 ? 256 : capacity_ * 2;
    if (wanted < size_ + n)
      wanted = size_ + n;
    auto* moved = static_cast<char*>(std::realloc(memory_, wanted));
    if (moved == nullptr)
      throw std::bad_alloc{};
    memory_ = moved;
    capacity_ = wanted;
  }

  char* memory_ = nullptr;
  std::size_t begin_ = 0; ///< Of the content.
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

} // namespace troupe::net
