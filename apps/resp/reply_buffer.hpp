#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/backends/memory/entries/held_value.hpp>

#include "apps/net/byte_buffer.hpp"

namespace troupe::resp {

/// Large values that stand between the bytes of a buffer without a copy of
/// them. Positions count the bytes of both.
class held_values {
public:
  /// Bytes of the values.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  /// Puts a value behind the first `written` bytes of the buffer, which are all
  /// there are. Throws std::bad_alloc.
  void add(std::size_t written, memory::held_value x) {
    const auto size = x.view().size();
    items_.push_back({written + size_, std::move(x)});
    size_ += size;
  }

  /// Forgets those that begin behind this position.
  void truncate(std::size_t position) noexcept {
    while (!items_.empty() && items_.back().begin >= position) {
      size_ -= items_.back().value.view().size();
      items_.pop_back();
    }
  }

  /// The bytes from `position` on that lie in one piece; `bytes` are those of
  /// the buffer. Empty at the end only.
  [[nodiscard]] std::string_view piece(std::string_view bytes,
                                       std::size_t position) const noexcept {
    std::size_t before = 0; // Bytes of values before the position.
    for (const auto& x : items_) {
      const auto value = x.value.view();
      if (position < x.begin)
        return bytes.substr(position - before, x.begin - position);
      if (position < x.begin + value.size())
        return value.substr(position - x.begin);
      before += value.size();
    }
    return bytes.substr(position - before);
  }

private:
  struct item {
    std::size_t begin;
    memory::held_value value;
  };

  std::vector<item> items_;
  std::size_t size_ = 0;
};

/// Replies on their way to a client.
struct reply_buffer {
  net::byte_buffer bytes;
  held_values values;

  [[nodiscard]] std::size_t size() const noexcept {
    return bytes.size() + values.size();
  }

  [[nodiscard]] std::string_view piece(std::size_t position) const noexcept {
    return values.piece(bytes.view(), position);
  }

  /// Forgets everything, and gives memory back when it holds more than `keep`.
  void clear(std::size_t keep) noexcept {
    bytes.clear(keep);
    values.truncate(0);
  }

  void swap(reply_buffer& other) noexcept {
    bytes.swap(other.bytes);
    std::swap(values, other.values);
  }
};

} // namespace troupe::resp
