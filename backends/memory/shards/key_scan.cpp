#include <troupe/backends/memory/shards/key_scan.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <troupe/backends/memory/shards/shard_map.hpp>
#include <troupe/backends/memory/table/table.hpp>
#include <troupe/messages/types/defaults.hpp>

namespace troupe::memory {

namespace {

// The cursor's bits beside those of the position.
static_assert(defaults::max_shards
                + defaults::max_namespaces * defaults::max_namespace_shards
              <= std::size_t{1} << 13);
static_assert(table::scan_end == std::uint64_t{1} << 40);

std::size_t keys_in(const shard_map& where, std::size_t number) noexcept {
  const auto* x = where[number];
  return x == nullptr ? 0 : x->store().entries().size();
}

/// The first position from `from` on in a shard with entries, if there is one. A key
/// that is present all the time was counted before the walk began.
std::optional<scan_cursor> next_filled(const shard_map& where,
                                       scan_cursor from) noexcept {
  constexpr auto size = table::scan_end;
  auto number = from / size;
  for (; number < where.size(); from = ++number * size)
    if (keys_in(where, number) > 0)
      return from;
  return std::nullopt;
}

} // namespace

expected<scan_cursor>
scan_bucket(const shard_map& where, scan_cursor from,
            function_ref<void(bytes_view, const entry_view&)> f) {
  constexpr auto size = table::scan_end;
  scan_cursor next = 0;
  if (const auto start = next_filled(where, from)) {
    auto number = *start / size;
    auto behind = where[number]->store().scan(*start % size, f);
    next = next_filled(where, number * size + behind).value_or(0);
  }
  // Checked last: a stopped region looks empty, which must not be taken for the end.
  if (auto ok = where.check_running(); !ok)
    return tl::unexpected{std::move(ok.error())};
  return next;
}

expected<std::optional<bytes>> random_key(const shard_map& where,
                                          std::minstd_rand& random) {
  using pick = std::uniform_int_distribution<std::uint64_t>;
  constexpr auto size = table::scan_end;
  std::optional<bytes> result;
  std::uint64_t met = 0;
  // Every key of a bucket is chosen with the same probability.
  auto choose = [&](bytes_view key, const entry_view&) {
    if (pick{0, met++}(random) == 0)
      result.emplace(key);
  };
  auto total = where.entries();
  if (auto ok = where.check_running(); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (total == 0)
    return result;
  // A shard is chosen in proportion to its keys.
  auto left = pick{0, total - 1}(random);
  std::size_t shard = 0;
  for (; shard + 1 < where.size(); ++shard) {
    auto keys = keys_in(where, shard);
    if (left < keys)
      break;
    left -= keys;
  }
  // Some random buckets; then all from the last one on, once around.
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
