#include <troupe/messages/types/tags.hpp>

#include <troupe/messages/types/hash.hpp>

namespace troupe {

std::uint16_t tags::mark_of(bytes_view name) noexcept {
  return static_cast<std::uint16_t>(hash_key(name) >> 48);
}

void tags::add(bytes_view name) noexcept {
  if (size_ < most)
    marks_[size_] = mark_of(name);
  ++size_;
}

void tags::add(const tags& other) noexcept {
  for (auto x : other.marks()) {
    if (size_ < most)
      marks_[size_] = x;
    ++size_;
  }
}

} // namespace troupe
