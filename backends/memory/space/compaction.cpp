#include <troupe/backends/memory/space/compaction.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace troupe::memory {

namespace {

/// Quarters. A chunk with more used blocks is not emptied: too much would be moved for
/// the memory that is freed.
constexpr std::size_t fullest_quarters = 3;

/// A class with this many times the memory in use is rebuilt, if necessary.
constexpr std::size_t far_too_much = 4;

/// Reads memory that is poisoned for AddressSanitizer.
#if defined(__GNUC__) || defined(__clang__)
__attribute__((no_sanitize("address"), noinline))
#endif
bool is_free(const std::byte* block) noexcept {
  return reinterpret_cast<const free_block*>(block)->mark == free_block::marked;
}

} // namespace

compaction::compaction(size_class& of, std::size_t block_size,
                       std::size_t smallest_chunk, std::vector<chunk> all)
  : of_(of),
    block_size_(block_size),
    smallest_chunk_(smallest_chunk),
    all_(std::move(all)) {
  order_.reserve(all_.size());
  std::sort(all_.begin(), all_.end(),
            [](const chunk& x, const chunk& y) { return x.memory < y.memory; });
  if (of_.used == 0)
    release_all();
}

void compaction::advance(std::size_t bytes) noexcept {
  const auto most = static_cast<std::int64_t>(bytes);
  budget_ = std::min(budget_ + most, most);
  while (counting_ && budget_ > 0) {
    auto& x = all_[next_++];
    x.used = count_used(x);
    if (next_ == all_.size())
      choose();
  }
  while (budget_ > 0 && refill())
    ;
  if (at_chunk_ == all_.size() && again_) {
    again_ = false;
    at_chunk_ = 0;
  }
}

std::size_t compaction::next_to_move(std::span<void*> blocks) noexcept {
  std::size_t found = 0;
  if (counting_)
    return found;
  while (at_chunk_ < all_.size() && budget_ > 0 && found < blocks.size()) {
    auto& x = all_[at_chunk_];
    if (x.is == chunk::state::chosen) {
      x.used = count_used(x);
      x.is = chunk::state::emptied;
      if (x.used == 0)
        ++empty_;
    }
    const auto all
      = x.is == chunk::state::emptied && x.used > 0 ? blocks_of(x) : 0;
    const auto first = at_block_;
    while (at_block_ < all && found < blocks.size()) {
      auto* block = x.memory + at_block_++ * block_size_;
      if (!is_free(block))
        blocks[found++] = block;
    }
    spend_on(at_block_ - first);
    if (at_block_ < all)
      break;
    ++at_chunk_;
    at_block_ = 0;
  }
  return found;
}

bool compaction::keep_back(void* block) noexcept {
  auto* at = static_cast<std::byte*>(block);
  auto behind = std::upper_bound(
    all_.begin(), all_.end(), at,
    [](const std::byte* x, const chunk& y) { return x < y.memory; });
  if (behind == all_.begin())
    return false;
  auto& x = *std::prev(behind);
  if (at >= x.memory + x.size)
    return false;
  switch (x.is) {
    case chunk::state::to_list:
    case chunk::state::chosen:
      return true;
    case chunk::state::emptied:
      if (--x.used == 0)
        ++empty_;
      return true;
    default:
      return false;
  }
}

bool compaction::refill() noexcept {
  if (counting_ || next_ == all_.size())
    return false;
  if (auto& x = all_[next_++]; x.is == chunk::state::to_list)
    list(x);
  return true;
}

std::optional<compaction::chunk> compaction::take_empty() noexcept {
  if (empty_ == 0)
    return std::nullopt;
  auto x = std::find_if(all_.begin(), all_.end(), [](const chunk& y) {
    return y.is == chunk::state::emptied && y.used == 0;
  });
  x->is = chunk::state::gone;
  --empty_;
  --left_;
  return *x;
}

bool compaction::holds_fresh(const chunk& x) const noexcept {
  return of_.fresh_count > 0 && of_.fresh >= x.memory
         && of_.fresh < x.memory + x.size;
}

/// Blocks of the chunk that were handed out at any time. The content of the others is
/// undefined, without marks.
std::size_t compaction::blocks_of(const chunk& x) const noexcept {
  return holds_fresh(x)
           ? static_cast<std::size_t>(of_.fresh - x.memory) / block_size_
           : x.blocks;
}

std::uint32_t compaction::count_used(const chunk& x) noexcept {
  std::uint32_t result = 0;
  const auto blocks = blocks_of(x);
  for (std::size_t i = 0; i < blocks; ++i)
    result += is_free(x.memory + i * block_size_) ? 0 : 1;
  spend_on(blocks);
  return result;
}

/// No block of the class is in use: no chunk needs to be checked.
void compaction::release_all() noexcept {
  of_ = {};
  for (auto& x : all_)
    x.is = chunk::state::emptied;
  counting_ = false;
  gained_ = true;
  next_ = at_chunk_ = left_ = empty_ = all_.size();
}

/// Ends counting: chooses the emptiest chunks, as long as their contents fit into the
/// free blocks of the others. Where they do not, for a class with far too much memory,
/// chooses all of them: a smaller chunk is enough.
void compaction::choose() noexcept {
  counting_ = false;
  std::size_t room = 0;
  std::size_t bytes = 0;
  for (auto& x : all_) {
    room += x.blocks - x.used;
    bytes += x.size;
    order_.push_back(&x);
  }
  std::sort(order_.begin(), order_.end(), [](const chunk* x, const chunk* y) {
    return std::uint64_t{x->used} * y->blocks
           < std::uint64_t{y->used} * x->blocks;
  });
  std::size_t moved = 0;
  for (auto* x : order_) {
    room -= x->blocks - x->used;
    moved += x->used;
    if (std::uint64_t{x->used} * 4 > std::uint64_t{x->blocks} * fullest_quarters
        || moved > room)
      break;
    bytes -= x->size;
    choose(*x);
  }
  if (const auto enough
      = std::max(std::bit_ceil(of_.used * block_size_), smallest_chunk_);
      left_ == 0 && enough * far_too_much <= bytes) {
    bytes = enough;
    for (auto& x : all_)
      choose(x);
  }
  gained_ = left_ > 0;
  if (!gained_) {
    next_ = at_chunk_ = all_.size();
    return;
  }
  // From here on only the marks show which blocks are free, until they are listed.
  of_.free = nullptr;
  next_ = 0;
  for (auto& x : all_)
    if (x.is == chunk::state::listed)
      x.is = chunk::state::to_list;
  // As if the class had never been larger.
  of_.next_chunk = static_cast<std::uint32_t>(
    std::min(std::bit_ceil(bytes), std::size_t{of_.next_chunk}));
}

/// Chooses a chunk to be emptied. Its blocks are not handed out any more.
void compaction::choose(chunk& x) noexcept {
  if (holds_fresh(x)) {
    x.blocks = static_cast<std::uint32_t>(blocks_of(x));
    of_.fresh = nullptr;
    of_.fresh_count = 0;
  }
  x.is = chunk::state::chosen;
  ++left_;
}

void compaction::list(chunk& x) noexcept {
  const auto blocks = blocks_of(x);
  for (auto i = blocks; i > 0; --i) {
    auto* block = x.memory + (i - 1) * block_size_;
    if (!is_free(block))
      continue;
    unpoison(block, sizeof(free_block));
    of_.list(block);
    poison(block, sizeof(free_block));
  }
  x.is = chunk::state::listed;
  spend_on(blocks);
}

void compaction::spend_on(std::size_t blocks) noexcept {
  // Of a large block, only the lines around the mark.
  constexpr std::size_t most = 128;
  budget_ -= static_cast<std::int64_t>(blocks * std::min(block_size_, most));
}

} // namespace troupe::memory
