#include <troupe/backends/memory/index.hpp>

#include <bit>
#include <cstdlib>
#include <new>
#include <unordered_set>

#include <sys/mman.h>

#include <troupe/backends/memory/hash.hpp>

namespace troupe::memory {

namespace {

/// From here on a segment is mapped on its own: the system hands out zeroed
/// pages one by one as buckets are reached, and large pages where it can.
constexpr std::size_t map_from = 1 << 20;

index::bucket* allocate_buckets(std::size_t n) noexcept {
  auto size = n * sizeof(index::bucket);
  if (size >= map_from) {
    auto* raw = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // A zeroed page is an array of empty buckets: atomics of zero.
    return raw == MAP_FAILED ? nullptr : static_cast<index::bucket*>(raw);
  }
  auto* raw = std::aligned_alloc(alignof(index::bucket), size);
  if (raw == nullptr)
    return nullptr;
  auto* result = static_cast<index::bucket*>(raw);
  for (std::size_t i = 0; i < n; ++i)
    new (result + i) index::bucket;
  return result;
}

void free_buckets(index::bucket* x, std::size_t n) noexcept {
  auto size = n * sizeof(index::bucket);
  if (size >= map_from)
    ::munmap(x, size);
  else
    std::free(x);
}

/// Buckets in segment `i` of 8, 8, 16, 32, ...
constexpr std::size_t segment_size(std::size_t i, std::size_t first) noexcept {
  return i == 0 ? first : first << (i - 1);
}

} // namespace

index::index() : count_(first_segment) {
  segments_[0] = allocate_buckets(first_segment);
  if (segments_[0] == nullptr)
    throw std::bad_alloc{};
  bytes_ = first_segment * sizeof(bucket);
}

index::~index() {
  for (std::size_t i = 0; i < max_segments; ++i)
    if (segments_[i] != nullptr)
      free_buckets(segments_[i], segment_size(i, first_segment));
  for (auto* x : overflows_)
    free_buckets(x, 1);
}

/// The bucket of a hash among `count`: by the bits of the next power of two,
/// or by one less when that bucket does not exist yet.
std::size_t index::bucket_of(std::uint64_t hash, std::size_t count) noexcept {
  auto low = hash & ((std::uint64_t{1} << bucket_bits) - 1);
  auto full = std::bit_ceil(count);
  auto number = static_cast<std::size_t>(low) & (full - 1);
  return number < count ? number : number - full / 2;
}

/// The tag on its place in a word; never zero, so a word with an entry differs
/// from an empty one by its tag alone.
index::word index::tag_of(std::uint64_t hash) noexcept {
  return (hash >> tag_shift) | 1;
}

index::word index::to_word(std::uint64_t hash, entry* x) noexcept {
  return (tag_of(hash) << tag_shift) | reinterpret_cast<std::uintptr_t>(x);
}

index::bucket& index::at(std::size_t number) const noexcept {
  static_assert(first_segment == 8);
  auto segment = static_cast<std::size_t>(std::bit_width(number >> 3));
  auto start = segment == 0 ? 0 : std::size_t{4} << segment;
  return segments_[segment][number - start];
}

const entry* index::find(const hashed_key& key) const noexcept {
  auto tag = tag_of(key.hash);
  auto count = count_.load(std::memory_order_acquire);
  for (;;) {
    auto number = bucket_of(key.hash, count);
    const bucket* b = &at(number);
    do {
      for (auto& w : b->words) {
        auto x = w.load(std::memory_order_acquire);
        if (x >> tag_shift == tag) {
          auto* item = to_entry(x);
          if (item->key() == key.key) [[likely]]
            return item;
        }
      }
      b = b->overflow.load(std::memory_order_acquire);
    } while (b != nullptr);
    auto now = count_.load(std::memory_order_acquire);
    if (now == count || bucket_of(key.hash, now) == number)
      return nullptr;
    count = now;
  }
}

void index::prefetch_bucket(std::uint64_t hash) const noexcept {
  auto count = count_.load(std::memory_order_acquire);
  __builtin_prefetch(&at(bucket_of(hash, count)));
}

void index::prefetch_entry(std::uint64_t hash) const noexcept {
  auto tag = tag_of(hash);
  auto count = count_.load(std::memory_order_acquire);
  for (auto& w : at(bucket_of(hash, count)).words) {
    auto x = w.load(std::memory_order_acquire);
    if (x >> tag_shift == tag) {
      auto* line = reinterpret_cast<const char*>(to_entry(x));
      __builtin_prefetch(line);
      __builtin_prefetch(line + 64);
    }
  }
}

index::position index::locate(const hashed_key& key) noexcept {
  position result;
  auto tag = tag_of(key.hash);
  for (auto* b = &at(bucket_of(key.hash, bucket_count())); b != nullptr;
       b = b->overflow.load(std::memory_order_relaxed)) {
    result.last = b;
    for (auto& w : b->words) {
      auto x = w.load(std::memory_order_relaxed);
      if (x == 0) {
        if (result.free == nullptr)
          result.free = &w;
      } else if (x >> tag_shift == tag) {
        auto* item = to_entry(x);
        if (item->key() == key.key) {
          result.found = &w;
          result.item = item;
          return result;
        }
      }
    }
  }
  return result;
}

bool index::link(const position& where, std::uint64_t hash,
                 entry* item) noexcept {
  auto x = to_word(hash, item);
  auto* target = where.found != nullptr ? where.found : where.free;
  if (target == nullptr) {
    auto* added = append_overflow(*where.last);
    if (added == nullptr)
      return false;
    target = &added->words[0];
  }
  target->store(x, std::memory_order_release);
  return true;
}

void index::unlink(const position& where) noexcept {
  where.found->store(0, std::memory_order_release);
}

/// Adds an empty bucket behind `last`; nullptr when there is no memory.
index::bucket* index::append_overflow(bucket& last) noexcept {
  auto* added = allocate_buckets(1);
  if (added == nullptr)
    return nullptr;
  try {
    overflows_.push_back(added);
  } catch (const std::bad_alloc&) {
    free_buckets(added, 1);
    return nullptr;
  }
  bytes_ += sizeof(bucket);
  last.overflow.store(added, std::memory_order_release);
  return added;
}

/// Allocates the segment of bucket number `count - 1` if it is missing.
bool index::make_room(std::size_t count) noexcept {
  auto segment = static_cast<std::size_t>(std::bit_width((count - 1) >> 3));
  if (segments_[segment] != nullptr)
    return true;
  auto n = segment_size(segment, first_segment);
  segments_[segment] = allocate_buckets(n);
  if (segments_[segment] == nullptr)
    return false;
  bytes_ += n * sizeof(bucket);
  return true;
}

void index::grow(std::size_t entries) noexcept {
  auto count = bucket_count();
  if (entries * 4 <= count * target_load_quarters)
    return;
  if (count >> (bucket_bits - 1) != 0 || !make_room(count + 1))
    return;
  // Bucket `count` takes its entries from the one that stood in for it.
  auto& source = at(count - std::bit_ceil(count + 1) / 2);
  auto& target = at(count);
  for_each_word(source, [](std::atomic<word>&, word x) {
    __builtin_prefetch(to_entry(x));
  });
  auto complete = true;
  auto moves = [&](word x) {
    return bucket_of(hash_key(to_entry(x)->key()), count + 1) == count;
  };
  for_each_word(source, [&](std::atomic<word>& w, word x) {
    complete = complete && (!moves(x) || move_to(target, x));
    static_cast<void>(w);
  });
  if (!complete) {
    // No memory for an overflow bucket: the target is not published yet, so
    // emptying it leaves everything as it was.
    for_each_word(target, [](std::atomic<word>& w, word) {
      w.store(0, std::memory_order_relaxed);
    });
    return;
  }
  count_.store(count + 1, std::memory_order_release);
  for_each_word(source, [&](std::atomic<word>& w, word x) {
    if (moves(x))
      w.store(0, std::memory_order_release);
  });
}

/// Puts a word into the chain of a bucket that readers do not know yet.
bool index::move_to(bucket& target, word x) noexcept {
  auto* b = &target;
  for (;;) {
    for (auto& w : b->words) {
      if (w.load(std::memory_order_relaxed) == 0) {
        w.store(x, std::memory_order_relaxed);
        return true;
      }
    }
    auto* next = b->overflow.load(std::memory_order_relaxed);
    if (next == nullptr && (next = append_overflow(*b)) == nullptr)
      return false;
    b = next;
  }
}

std::string index::validate(std::size_t entries) const {
  std::unordered_set<bytes_view> seen;
  std::string problem;
  auto count = bucket_count();
  for (std::size_t i = 0; i < count; ++i) {
    for_each_word(at(i), [&](std::atomic<word>&, word x) {
      auto key = to_entry(x)->key();
      auto hash = hash_key(key);
      if (x >> tag_shift != tag_of(hash))
        problem = "an entry carries the tag of another key";
      if (bucket_of(hash, count) != i)
        problem = "an entry is linked in a bucket that is not its own";
      if (!seen.insert(key).second)
        problem = "a key is linked twice";
    });
  }
  if (!problem.empty())
    return problem;
  if (seen.size() != entries)
    return "linked are " + std::to_string(seen.size()) + " entries, counted "
           + std::to_string(entries);
  return {};
}

} // namespace troupe::memory
