#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace troupe::server {

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
    std::free(data_);
  }

  void swap(byte_buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  [[nodiscard]] const char* data() const noexcept {
    return data_;
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  [[nodiscard]] std::size_t capacity() const noexcept {
    return capacity_;
  }

  [[nodiscard]] bool empty() const noexcept {
    return size_ == 0;
  }

  [[nodiscard]] std::string_view view() const noexcept {
    return {data_, size_};
  }

  /// At least `n` writable bytes behind the last one; `commit` makes them part
  /// of the content.
  char* prepare(std::size_t n) {
    if (capacity_ - size_ < n) [[unlikely]]
      grow(n);
    return data_ + size_;
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

  /// Forgets the first `n` bytes.
  void consume(std::size_t n) noexcept {
    size_ -= n;
    if (n > 0 && size_ > 0)
      std::memmove(data_, data_ + n, size_);
  }

  /// Forgets everything, and gives memory back when it holds more than `keep`.
  void clear(std::size_t keep) noexcept {
    size_ = 0;
    if (capacity_ > keep) {
      std::free(data_);
      data_ = nullptr;
      capacity_ = 0;
    }
  }

private:
  void grow(std::size_t n) {
    auto wanted = capacity_ < 128 ? 256 : capacity_ * 2;
    if (wanted < size_ + n)
      wanted = size_ + n;
    auto* moved = static_cast<char*>(std::realloc(data_, wanted));
    if (moved == nullptr)
      throw std::bad_alloc{};
    data_ = moved;
    capacity_ = wanted;
  }

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

} // namespace troupe::server
