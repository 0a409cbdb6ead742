#include <troupe/backends/memory/space/value_buffer.hpp>

#include <algorithm>
#include <cstring>
#include <new>

namespace troupe::memory {

namespace {

constexpr std::size_t least_capacity = 64 * 1024;

} // namespace

value_buffer::~value_buffer() {
  if (block_ != nullptr)
    block_->release();
}

char* value_buffer::prepare(std::size_t n) {
  if (capacity() - size_ < n
      && !resize(std::max({size_ + n, capacity() * 2, least_capacity})))
    throw std::bad_alloc{};
  return block_->data() + size_;
}

void value_buffer::append(bytes_view x) {
  if (x.empty())
    return;
  std::memcpy(prepare(x.size()), x.data(), x.size());
  size_ += x.size();
}

void value_buffer::finish(std::size_t n) noexcept {
  size_ = n;
  // When there is no memory for a smaller block, the larger one is kept.
  if (block_ != nullptr && capacity() != size_)
    static_cast<void>(resize(size_));
}

bool value_buffer::resize(std::size_t n) noexcept {
  auto* moved = block_ == nullptr ? large_block::make(n)
                                  : large_block::resize(*block_, size_, n);
  if (moved == nullptr)
    return false;
  block_ = moved;
  return true;
}

} // namespace troupe::memory
