#include <troupe/backends/memory/index.hpp>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <unordered_set>

#include <troupe/backends/memory/chunk_pool.hpp>
#include <troupe/backends/memory/hash.hpp>

namespace troupe::memory {

namespace {

/// Larger segments are mapped on their own: the system zeroes their pages one
/// by one as buckets are reached. Clearing this much takes some 100 µs.
constexpr std::size_t largest_chunk = 1 << 20;

bucket* allocate_buckets(std::size_t n) noexcept {
  auto size = n * sizeof(bucket);
  // A zeroed page is an array of empty buckets: atomics of zero.
  if (size > largest_chunk)
    return static_cast<bucket*>(map_pages(size));
  auto* raw = size < chunk_pool::smallest_chunk
                ? std::aligned_alloc(alignof(bucket), size)
                : chunk_pool::process().allocate(size);
  if (raw == nullptr)
    return nullptr;
  auto* result = static_cast<bucket*>(raw);
  for (std::size_t i = 0; i < n; ++i)
    new (result + i) bucket;
  return result;
}

void free_buckets(bucket* x, std::size_t n) noexcept {
  auto size = n * sizeof(bucket);
  if (size > largest_chunk)
    unmap_pages(x, size);
  else if (size < chunk_pool::smallest_chunk)
    std::free(x);
  else
    chunk_pool::process().deallocate(x, size);
}

} // namespace

index::index() : count_(first_segment) {
  if (!add_segment(0))
    throw std::bad_alloc{};
}

index::~index() {
  for (std::size_t i = 0; i < max_segments; ++i)
    if (auto* x = segment(i); x != nullptr)
      free_buckets(x, segment_size(i));
  for (auto [first, size] : overflow_runs_)
    free_buckets(first, size);
}

/// The long way of `find`: also in the overflow buckets, and again when a split
/// may have moved the key meanwhile.
const entry* index::find_in_chain(bytes_view key, std::uint64_t hash,
                                  std::size_t count) const noexcept {
  auto tag = tag_of(hash);
  for (;;) {
    auto number = bucket_of(hash, count);
    const bucket* b = &at(number);
    do {
      if (auto* item = find_in(*b, tag, key); item != nullptr)
        return item;
      b = b->overflow.load(std::memory_order_acquire);
    } while (b != nullptr);
    // Whoever saw a word that a split had cleared must see the new count.
    bucket::order_scans();
    auto now = count_.load(std::memory_order_acquire);
    if (now == count || bucket_of(hash, now) == number)
      return nullptr;
    count = now;
  }
}

void index::prefetch_bucket_for_write(std::uint64_t hash) const noexcept {
  auto count = count_.load(std::memory_order_acquire);
  __builtin_prefetch(&at(bucket_of(hash, count)), 1);
}

void index::prefetch_entry(std::uint64_t hash) const noexcept {
  auto count = count_.load(std::memory_order_acquire);
  auto& b = at(bucket_of(hash, count));
  for (auto fits = b.with_tag(tag_of(hash)); !fits.empty(); fits.drop_first()) {
    auto x = b.words[fits.first()].load(std::memory_order_relaxed);
    auto* line = reinterpret_cast<const char*>(entry_in(x));
    __builtin_prefetch(line);
    __builtin_prefetch(line + 64);
  }
}

index::position index::locate(const hashed_key& key) noexcept {
  position result;
  auto tag = tag_of(key.hash);
  for (auto* b = &at(bucket_of(key.hash, bucket_count())); b != nullptr;
       b = b->overflow.load(std::memory_order_relaxed)) {
    result.last = b;
    for (auto fits = b->with_tag(tag); !fits.empty(); fits.drop_first()) {
      auto& w = b->words[fits.first()];
      auto* item = entry_in(w.load(std::memory_order_relaxed));
      if (item->has_key(key.key)) [[likely]] {
        result.found = &w;
        result.item = item;
        return result;
      }
    }
    if (auto empty = b->empty_words();
        result.free == nullptr && !empty.empty())
      result.free = &b->words[empty.first()];
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
bucket* index::append_overflow(bucket& last) noexcept {
  if (overflows_left_ == 0 && !add_overflow_run())
    return nullptr;
  auto [first, size] = overflow_runs_.back();
  auto* added = first + (size - overflows_left_--);
  last.overflow.store(added, std::memory_order_release);
  return added;
}

/// Allocates overflow buckets, for as long as it took to use up all before.
bool index::add_overflow_run() noexcept {
  constexpr std::size_t least = 1;
  constexpr std::size_t most = (64 << 10) / sizeof(bucket);
  auto size = overflow_runs_.empty() ? least
                                     : std::min(overflow_runs_.back().size * 2,
                                                most);
  auto* first = allocate_buckets(size);
  if (first == nullptr)
    return false;
  try {
    overflow_runs_.push_back({first, size});
  } catch (const std::bad_alloc&) {
    free_buckets(first, size);
    return false;
  }
  overflows_left_ = size;
  add_bytes(size * sizeof(bucket));
  return true;
}

/// Allocates segment `i`; false when there is no memory.
bool index::add_segment(std::size_t i) noexcept {
  auto n = segment_size(i);
  auto* added = allocate_buckets(n);
  if (added == nullptr)
    return false;
  // May wrap around; adding a number of the segment wraps it back.
  origins_[i] = reinterpret_cast<std::uintptr_t>(added)
                - start_of(i) * sizeof(bucket);
  add_bytes(n * sizeof(bucket));
  // The one before is complete; its small pages may become huge ones.
  if (auto size = n / 2 * sizeof(bucket); i > 1 && size > largest_chunk)
    prefer_huge(segment(i - 1), size);
  return true;
}

void index::grow(std::size_t entries) noexcept {
  auto count = bucket_count();
  if (entries * 4 <= count * target_load_quarters)
    return;
  if (count >> (bucket_bits - 1) != 0)
    return;
  if (auto i = segment_of(count); segment(i) == nullptr && !add_segment(i))
    return;
  // Bucket `count` takes its entries from the one that stood in for it.
  auto& source = at(count - std::bit_ceil(count + 1) / 2);
  auto& target = at(count);
  for_each_word(source, [](std::atomic<index_word>&, index_word x) {
    __builtin_prefetch(entry_in(x));
  });
  auto complete = true;
  auto moves = [&](index_word x) {
    return bucket_of(hash_key(entry_in(x)->key()), count + 1) == count;
  };
  for_each_word(source, [&](std::atomic<index_word>& w, index_word x) {
    complete = complete && (!moves(x) || move_to(target, x));
    static_cast<void>(w);
  });
  if (!complete) {
    // No memory for an overflow bucket: the target is not published yet, so
    // emptying it leaves everything as it was.
    for_each_word(target, [](std::atomic<index_word>& w, index_word) {
      w.store(0, std::memory_order_relaxed);
    });
    return;
  }
  count_.store(count + 1, std::memory_order_release);
  for_each_word(source, [&](std::atomic<index_word>& w, index_word x) {
    if (moves(x))
      w.store(0, std::memory_order_release);
  });
}

/// Puts a word into the chain of a bucket that readers do not know yet.
bool index::move_to(bucket& target, index_word x) noexcept {
  auto* b = &target;
  for (;;) {
    if (auto empty = b->empty_words(); !empty.empty()) {
      b->words[empty.first()].store(x, std::memory_order_relaxed);
      return true;
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
    for_each_word(at(i), [&](std::atomic<index_word>&, index_word x) {
      auto key = entry_in(x)->key();
      auto hash = hash_key(key);
      if (tag_in(x) != tag_of(hash))
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
