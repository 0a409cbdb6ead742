#pragma once

#include <utility>

#include <troupe/backends/entry_view.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe::memory {

class large_block;

/// A large value that a reader keeps after its visit without a copy. It does not
/// change, also when the key changes. Its memory is not freed meanwhile, although no
/// limit counts it once the key is removed. One object is not thread-safe; several
/// objects of one value are.
class held_value {
public:
  held_value() noexcept = default;

  /// Must be called inside the visit that `x` comes from. Empty when the value is too
  /// small to have its own block (`table::largest_inline`): copy such a value.
  explicit held_value(const entry_view& x) noexcept;

  held_value(held_value&& other) noexcept
    : block_(std::exchange(other.block_, nullptr)),
      view_(std::exchange(other.view_, {})) {
    // nop
  }

  held_value& operator=(held_value&& other) noexcept {
    held_value moved{std::move(other)};
    std::swap(block_, moved.block_);
    std::swap(view_, moved.view_);
    return *this;
  }

  ~held_value();

  [[nodiscard]] explicit operator bool() const noexcept {
    return block_ != nullptr;
  }

  [[nodiscard]] bytes_view view() const noexcept {
    return view_;
  }

private:
  large_block* block_ = nullptr;
  bytes_view view_;
};

} // namespace troupe::memory
