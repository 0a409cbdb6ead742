#pragma once

// Walks over all keys of a region: step by step, without a lock and without a
// message. A step reads one bucket of one shard.
//
//   cursor:  shard (13 bits) | position in its table (40 bits)
//
// A position counts on the keys' hashes and not on the table's size (index.hpp),
// so that a cursor stays good for as long as anybody keeps it, and fits the 53
// bits that clients in JavaScript have for it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>

#include <troupe/backends/memory/shards/shard_map.hpp>
#include <troupe/backends/memory/table/table.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::memory {

/// A place in a walk; 0 is the begin and, when returned, the end. Any number is
/// one: beyond the last place there is just nothing left.
using scan_cursor = std::uint64_t;

// The bits that the position leaves.
static_assert(defaults::max_shards
                + defaults::max_namespaces * defaults::max_namespace_shards
              <= std::size_t{1} << 13);
static_assert(table::scan_end == std::uint64_t{1} << 40);

/// The first place from `from` on in a shard that holds something; 0: there is
/// none. What is there all the time was counted before the walk began.
inline scan_cursor next_filled(const shard_map& where, scan_cursor from) noexcept {
  constexpr auto size = table::scan_end;
  auto number = from / size;
  for (; number < where.size(); from = ++number * size)
    if (where[number]->store().entries().size() > 0)
      return from;
  return 0;
}

/// Calls `f(bytes_view key, const entry_view&)` for the live entries of the
/// first bucket from `from` on whose shard holds something, and returns where
/// to go on. A walk from 0 to 0 meets every key that is there all the time at
/// least once; what comes or goes meanwhile it may meet, and some keys twice.
/// `f` must be brief: it holds up the freeing of memory, as in `region::visit`.
/// Thread-safe. Complexity: one bucket, plus the empty shards before it. Errors:
/// `shutting_down`; `f` may have been called for keys of the bucket then.
template <class F>
expected<scan_cursor> scan_bucket(const shard_map& where, scan_cursor from,
                                  F&& f) {
  constexpr auto size = table::scan_end;
  auto start = next_filled(where, from);
  scan_cursor next = 0;
  if (start >= from) {
    auto number = start / size;
    auto behind
      = where[number]->store().scan(start % size, std::forward<F>(f));
    next = next_filled(where, number * size + behind);
  }
  // Asked last: a stopped region looks empty, which must not pass for the end.
  if (auto ok = where.check_running(); !ok)
    return tl::unexpected{std::move(ok.error())};
  return next;
}

/// A live key, each with a chance of the same order; nothing only when a whole
/// walk has met none. Constant time as long as most entries are alive, linear
/// when nearly all have expired and were not swept yet. Errors: `shutting_down`.
template <class Random>
expected<std::optional<bytes>> random_key(const shard_map& where, Random& random) {
  using pick = std::uniform_int_distribution<std::uint64_t>;
  constexpr auto size = table::scan_end;
  std::optional<bytes> result;
  std::uint64_t met = 0;
  // Of all keys of a bucket, every one has the same chance to stay.
  auto choose = [&](bytes_view key, const entry_view&) {
    if (pick{0, met++}(random) == 0)
      result.emplace(key);
  };
  auto total = where.entries();
  if (auto ok = where.check_running(); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (total == 0)
    return result;
  // A shard by its share of the keys.
  auto left = pick{0, total - 1}(random);
  std::size_t shard = 0;
  for (; shard + 1 < where.size(); ++shard) {
    auto keys = where[shard]->store().entries().size();
    if (left < keys)
      break;
    left -= keys;
  }
  // Some buckets at random; then on from the last one, once around.
  constexpr int tries = 64;
  scan_cursor start = 0;
  expected<scan_cursor> next = start;
  for (int i = 0; i < tries && next && !result; ++i) {
    start = shard * size + pick{0, size - 1}(random);
    next = scan_bucket(where, start, choose);
  }
  while (next && *next != 0 && !result)
    next = scan_bucket(where, *next, choose);
  if (next)
    next = 0;
  while (next && *next <= start && !result) {
    next = scan_bucket(where, *next, choose);
    if (next && *next == 0)
      break;
  }
  if (!next)
    return tl::unexpected{std::move(next.error())};
  return result;
}

} // namespace troupe::memory
