#include <troupe/backends/memory/value_buffer.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include <troupe/backends/memory/entry.hpp>
#include <troupe/backends/memory/large_block.hpp>

namespace troupe::memory {

namespace {

/// What may stand before the key: the block's head, the entry's own with a
/// deadline, and to spare what tags of some kind take.
constexpr std::size_t most_head = sizeof(large_block) + sizeof(entry) + 48;

constexpr std::size_t least_capacity = 64 * 1024;

static_assert(most_head % alignof(large_block) == 0);
static_assert(alignof(large_block) == 8 && alignof(entry) == 8);

} // namespace

// The entry begins a multiple of 8 before the key, so the key has to begin at
// one.
value_buffer::value_buffer(std::size_t key_size) noexcept
  : begin_(most_head + key_size) {
  // nop
}

value_buffer::~value_buffer() {
  std::free(memory_);
}

char* value_buffer::prepare(std::size_t n) {
  if (memory_ == nullptr || capacity_ - size_ < n) {
    const auto wanted
      = std::max({size_ + n, capacity_ * 2, least_capacity});
    // Moves pages instead of bytes once it is large.
    auto* moved = std::realloc(memory_, begin_ + wanted);
    if (moved == nullptr)
      throw std::bad_alloc{};
    memory_ = moved;
    capacity_ = wanted;
  }
  return static_cast<char*>(memory_) + begin_ + size_;
}

void value_buffer::append(bytes_view x) {
  if (x.empty())
    return;
  std::memcpy(prepare(x.size()), x.data(), x.size());
  size_ += x.size();
}

void value_buffer::finish(std::size_t n) noexcept {
  size_ = n;
  if (memory_ == nullptr || capacity_ == size_)
    return;
  if (auto* moved = std::realloc(memory_, begin_ + size_); moved != nullptr) {
    memory_ = moved;
    capacity_ = size_;
  }
}

void* value_buffer::place(std::size_t head) const noexcept {
  if (memory_ == nullptr || head + sizeof(large_block) > begin_)
    return nullptr;
  auto* where = static_cast<std::byte*>(memory_) + begin_ - head;
  return reinterpret_cast<std::uintptr_t>(where) % alignof(entry) == 0
           ? where
           : nullptr;
}

} // namespace troupe::memory
