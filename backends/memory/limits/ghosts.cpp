#include <troupe/backends/memory/limits/ghosts.hpp>

#include <algorithm>
#include <new>

namespace troupe::memory {

void ghosts::resize(std::size_t keys) noexcept {
  try {
    sets_ = std::vector<set>((keys + width - 1) / width);
  } catch (const std::bad_alloc&) {
    // Fewer ghosts only cost hits.
  }
}

/// All keys of a shard share some bits of their hash, so the bits are mixed again.
ghosts::set& ghosts::set_of(std::uint64_t hash) noexcept {
  constexpr std::uint64_t golden = 0x9e37'79b9'7f4a'7c15;
  auto share = (hash * golden) >> 32;
  return sets_[static_cast<std::size_t>((share * sets_.size()) >> 32)];
}

std::uint32_t ghosts::mark_of(std::uint64_t hash) noexcept {
  return static_cast<std::uint32_t>(hash ^ (hash >> 32)) | 1;
}

void ghosts::add(std::uint64_t hash) noexcept {
  if (sets_.empty())
    return;
  auto& x = set_of(hash);
  x.marks[x.next] = mark_of(hash);
  x.next = x.next + 1 == width ? 0 : x.next + 1;
}

bool ghosts::take(std::uint64_t hash) noexcept {
  if (sets_.empty())
    return false;
  auto& marks = set_of(hash).marks;
  auto i = std::find(marks.begin(), marks.end(), mark_of(hash));
  if (i == marks.end())
    return false;
  *i = 0;
  return true;
}

} // namespace troupe::memory
