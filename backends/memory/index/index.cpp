#include <troupe/backends/memory/index/index.hpp>

#include <algorithm>
#include <bit>
#include <new>
#include <unordered_set>

#include <troupe/backends/memory/entries/hash.hpp>

namespace troupe::memory {

namespace {

// The objects of the retired list: the address of a segment, or the number of an
// overflow bucket in a form that is odd.

void* encode(std::uint32_t overflow) noexcept {
  return reinterpret_cast<void*>(std::uintptr_t{overflow} * 2 + 1);
}

} // namespace

index::index()
  : retired_(
    [](void* self, void* what) noexcept {
      static_cast<index*>(self)->release(what);
    },
    this) {
  publish_bytes();
}

index::~index() {
  // There are no readers any more.
  retired_.forget();
  for (auto x : given_up_)
    bucket_directory::free(x);
}

/// The slow path of `find`: also searches the overflow buckets, and repeats when a
/// split may have moved the key meanwhile.
const entry* index::find_in_chain(bytes_view key,
                                  std::uint64_t hash) const noexcept {
  auto tag = tag_of(hash);
  auto merges = directory_.merges();
  auto count = directory_.count();
  for (;;) {
    auto number = bucket_directory::bucket_of(hash, count);
    for (auto* b = &bucket_at(number); b != nullptr; b = next(*b))
      if (auto* item = find_in(*b, tag, key); item != nullptr)
        return item;
    // A reader that saw a word cleared by a split or a merge must see the new numbers.
    bucket::order_scans();
    auto merges_now = directory_.merges();
    count = directory_.count();
    if (merges_now == merges
        && bucket_directory::bucket_of(hash, count) == number)
      return nullptr;
    merges = merges_now;
  }
}

void index::prefetch_bucket_for_write(std::uint64_t hash) const noexcept {
  __builtin_prefetch(&directory_.of(hash), 1);
}

void index::prefetch_entry(std::uint64_t hash) const noexcept {
  auto& b = directory_.of(hash);
  for (auto fits = b.with_tag(tag_of(hash)); !fits.empty(); fits.drop_first()) {
    auto x = b.words[fits.first()].load(std::memory_order_relaxed);
    auto* line = reinterpret_cast<const char*>(entry_in(x));
    __builtin_prefetch(line);
    __builtin_prefetch(line + 64);
  }
}

index::position index::locate(const hashed_key& key) noexcept {
  position result;
  result.number = number_of(key.hash);
  auto tag = tag_of(key.hash);
  for (auto* b = &bucket_at(result.number); b != nullptr; b = next(*b)) {
    result.last = b;
    for (auto fits = b->with_tag(tag); !fits.empty(); fits.drop_first()) {
      index_slot x{b, fits.first()};
      auto* item = x.item();
      if (item->has_key(key.key)) [[likely]] {
        result.found = x;
        result.item = item;
        return result;
      }
    }
    if (auto empty = b->empty_words();
        result.free.in == nullptr && !empty.empty())
      result.free = {b, empty.first()};
  }
  return result;
}

index_slot index::slot_of(std::uint64_t hash,
                          const entry& item) const noexcept {
  for (auto* b = &bucket_at(number_of(hash)); b != nullptr; b = next(*b))
    for (auto fits = b->with_tag(tag_of(hash)); !fits.empty();
         fits.drop_first())
      if (index_slot x{b, fits.first()}; x.item() == &item)
        return x;
  return {};
}

std::optional<index_slot> index::link(const position& where, std::uint64_t hash,
                                      entry* item) noexcept {
  auto target = where.found.in != nullptr ? where.found : where.free;
  if (target.in == nullptr) {
    target = {append_overflow(*where.last), 0};
    if (target.in == nullptr)
      return std::nullopt;
  }
  if (where.found.in == nullptr) {
    target.in->set_uses(target.slot, 0);
    target.in->set_young(target.slot, false);
  }
  target.word().store(to_word(hash, item), std::memory_order_release);
  return target;
}

/// Adds an empty bucket after `last`; nullptr when there is no memory.
bucket* index::append_overflow(bucket& last) noexcept {
  const auto capacity = overflows_.capacity();
  auto* result = overflows_.append(last);
  if (overflows_.capacity() != capacity)
    publish_bytes();
  return result;
}

// -- growing and shrinking ---------------------------------------------------------

std::optional<index::change> index::grow(std::size_t entries) noexcept {
  auto count = bucket_count();
  if (entries * 4 <= count * target_load_quarters)
    return std::nullopt;
  if (!directory_.reach(count) || !make_room_to_give_up())
    return std::nullopt;
  // Bucket `count` takes its entries from the bucket that held them until now.
  change result{bucket_directory::split_from(count), count};
  auto& target = bucket_at(count);
  for_each_in(result.kept, [](index_slot x) { __builtin_prefetch(x.item()); });
  auto moves = [&](index_slot x) {
    return bucket_directory::bucket_of(hash_key(x.item()->key()), count + 1)
           == count;
  };
  auto complete = true;
  for_each_in(result.kept, [&](index_slot x) {
    complete = complete && (!moves(x) || move_to(target, x));
  });
  if (!complete) {
    // No memory for an overflow bucket: the target is not published yet, so emptying it
    // restores the old state.
    for_each_in(count, [](index_slot x) { unlink(x); });
    retire_overflows(target);
    return std::nullopt;
  }
  publish_bytes();
  directory_.publish_split(count + 1);
  for_each_in(result.kept, [&](index_slot x) {
    if (moves(x))
      unlink(x);
  });
  tidy(result.kept);
  return result;
}

std::size_t index::buckets_per_split() const noexcept {
  std::size_t result = 0;
  const auto number = bucket_directory::split_from(bucket_count());
  for (auto* b = &bucket_at(number); b != nullptr; b = next(*b))
    ++result;
  return result;
}

std::optional<index::change> index::shrink(std::size_t entries) noexcept {
  auto count = bucket_count();
  if (count == bucket_directory::least_buckets
      || entries * 16 > count * target_load_quarters)
    return std::nullopt;
  auto last = count - 1;
  change result{last - std::bit_ceil(count) / 2, last};
  auto& source = bucket_at(last);
  auto& target = bucket_at(result.kept);
  auto complete = true;
  for_each_in(last,
              [&](index_slot x) { complete = complete && move_to(target, x); });
  if (!complete) {
    // No memory for an overflow bucket: remove the copied entries again.
    for_each_in(result.kept, [&](index_slot x) {
      const auto hash = hash_key(x.item()->key());
      if (bucket_directory::bucket_of(hash, count) == last)
        unlink(x);
    });
    return std::nullopt;
  }
  directory_.publish_merge(last);
  for_each_in(last, [](index_slot x) {
    unlink(x);
    x.in->set_uses(x.slot, 0);
    x.in->set_young(x.slot, false);
  });
  retire_overflows(source);
  give_up_segment();
  return result;
}

/// Puts an entry with its marks into the chain of another bucket; false when
/// there is no memory.
bool index::move_to(bucket& target, index_slot from) noexcept {
  auto* b = &target;
  for (;;) {
    if (auto empty = b->empty_words(); !empty.empty()) {
      auto slot = empty.first();
      b->set_uses(slot, from.in->uses(from.slot));
      b->set_young(slot, from.in->young(from.slot));
      b->words[slot].store(from.word().load(std::memory_order_relaxed),
                           std::memory_order_release);
      return true;
    }
    auto* behind = next(*b);
    if (behind == nullptr && (behind = append_overflow(*b)) == nullptr)
      return false;
    b = behind;
  }
}

void index::tidy(std::size_t number) noexcept {
  for (;;) {
    bucket* before = nullptr;
    auto* last = &bucket_at(number);
    while (auto* behind = next(*last)) {
      before = last;
      last = behind;
    }
    if (before == nullptr)
      return;
    for (auto& w : last->words)
      if (w.load(std::memory_order_relaxed) != 0)
        return;
    retire_overflows(*before);
  }
}

/// Cuts off the buckets after `first`, which link no entry any more.
void index::retire_overflows(bucket& first) noexcept {
  overflows_.cut_off(first, [this](std::uint32_t number) {
    retired_.retire(encode(number), sizeof(bucket));
  });
}

/// Reserves what the removal of a segment needs, so that it needs no memory. False when
/// there is none.
bool index::make_room_to_give_up() noexcept {
  if (given_up_.capacity() != 0) [[likely]]
    return true;
  try {
    given_up_.reserve(bucket_directory::max_segments);
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

/// Removes the last segment when it has been unused for long.
void index::give_up_segment() noexcept {
  if (!directory_.has_excess())
    return;
  if (given_up_.size() == given_up_.capacity())
    return;
  given_up_.push_back(directory_.give_up());
  auto [first, size] = given_up_.back();
  retired_.retire(first, size * sizeof(bucket));
  publish_bytes();
}

/// Frees what no reader uses any more.
void index::release(void* what) noexcept {
  auto number = reinterpret_cast<std::uintptr_t>(what);
  if (number % 2 != 0) {
    overflows_.free(static_cast<std::uint32_t>(number / 2));
    return;
  }
  auto i = std::find_if(given_up_.begin(), given_up_.end(),
                        [&](auto x) { return x.first == what; });
  bucket_directory::free(*i);
  given_up_.erase(i);
}

void index::publish_bytes() noexcept {
  bytes_.store((directory_.capacity() + overflows_.capacity()) * sizeof(bucket),
               std::memory_order_relaxed);
}

std::string index::validate(std::size_t entries) const {
  std::unordered_set<bytes_view> seen;
  std::string problem;
  auto count = bucket_count();
  std::size_t overflows = 0;
  for (std::size_t i = 0; i < count; ++i) {
    for (auto* b = next(bucket_at(i)); b != nullptr; b = next(*b))
      ++overflows;
    for_each_in(i, [&](index_slot x) {
      auto key = x.item()->key();
      auto hash = hash_key(key);
      if (tag_in(x.word().load(std::memory_order_relaxed)) != tag_of(hash))
        problem = "an entry carries the tag of another key";
      if (number_of(hash) != i)
        problem = "an entry is linked in a bucket that is not its own";
      if (!seen.insert(key).second)
        problem = "a key is linked twice";
    });
  }
  if (overflows != overflows_.in_chains())
    problem = "chains have " + std::to_string(overflows)
              + " overflow buckets, counted "
              + std::to_string(overflows_.in_chains());
  if (!problem.empty())
    return problem;
  if (seen.size() != entries)
    return "linked are " + std::to_string(seen.size()) + " entries, counted "
           + std::to_string(entries);
  return {};
}

} // namespace troupe::memory
