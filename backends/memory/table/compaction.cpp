// The part of a table that returns memory left by entries of another size: when sizes
// drift, the slab would otherwise hold the most that each size ever needed.
//
// An entry is moved unchanged: a copy replaces it in the index, with its version and
// marks, and the old block waits for its readers as usual. All other code refers to
// entries by hash or key, so it does not notice.

#include <troupe/backends/memory/table/table.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include <troupe/backends/memory/entries/hash.hpp>

namespace troupe::memory {

namespace {

/// Bytes that the slab may hold unused, in addition to an eighth of what is in use.
constexpr std::size_t tolerated = 64 << 10;
constexpr std::size_t tolerated_share = 8;

/// The effort to move an entry, in bytes that could be copied meanwhile: finding its
/// slot in the index.
constexpr std::size_t effort_per_entry = 2048;

/// A write while too much is vacant also compacts, in proportion to the memory and the
/// entries that it stores itself: enough to empty chunks that are filled up to three
/// quarters. Some entries at a time, because each step begins with cold caches.
constexpr std::size_t looked_at_per_byte = 8;
constexpr std::size_t effort_per_owed = 4;
constexpr std::size_t most_owed_entries = 16;
constexpr std::size_t most_owed_bytes = 4096;

/// Entries whose buckets are prefetched together.
constexpr std::size_t group = 16;

} // namespace

/// For any thread.
bool table::wants_compaction() const noexcept {
  if (compacting_.load(std::memory_order_relaxed))
    return true;
  const auto vacant = vacant_bytes();
  return vacant
           > tolerated
               + live_bytes_.load(std::memory_order_relaxed) / tolerated_share
         && vacant != incompressible_.load(std::memory_order_relaxed);
}

/// Moves some entries out of chunks that should be emptied. An effort of 1 MiB takes
/// about 0.1 ms.
void table::compact(std::size_t looked_at, std::size_t effort) noexcept {
  auto& g = newest();
  const auto found = g.blocks.compact(looked_at);
  compacting_.store(found, std::memory_order_relaxed);
  if (!found) {
    incompressible_.store(vacant_bytes(), std::memory_order_relaxed);
    return;
  }
  std::array<void*, group> items;
  std::array<std::uint64_t, group> hashes;
  const auto now = time_.now();
  for (std::size_t spent = 0; spent < effort;) {
    const auto count = g.blocks.next_to_move(items);
    if (count == 0)
      return;
    for (std::size_t i = 0; i < count; ++i) {
      hashes[i] = hash_key(static_cast<entry*>(items[i])->key());
      g.links.prefetch_bucket_for_write(hashes[i]);
    }
    // Some of them may be retired, and each move may free those. So an entry is read
    // only after it was found in the index.
    for (std::size_t i = 0; i < count; ++i) {
      const auto bytes
        = relocate(*static_cast<entry*>(items[i]), hashes[i], now);
      spent += effort_per_entry + bytes.value_or(0);
      if (!bytes)
        g.blocks.leave();
    }
  }
}

/// An entry of `bytes` was stored while the slab holds too much.
void table::compact_for(std::size_t bytes) noexcept {
  ++owed_entries_;
  owed_bytes_ += bytes;
  if (owed_entries_ < most_owed_entries && owed_bytes_ < most_owed_bytes)
    return;
  const auto effort = owed_bytes_ + owed_entries_ * effort_per_entry;
  compact(owed_bytes_ * looked_at_per_byte, effort * effort_per_owed);
  owed_entries_ = 0;
  owed_bytes_ = 0;
}

/// Replaces an entry by its copy, if the entry is still linked; otherwise `item` may be
/// freed already. Returns the bytes that it copied; nothing when the move must wait.
std::optional<std::size_t> table::relocate(entry& item, std::uint64_t hash,
                                           time_point now) noexcept {
  auto& g = newest();
  const auto where = g.links.slot_of(hash, item);
  if (where.in == nullptr)
    return 0;
  epoch_guard guard; // Its deadline is read after it is retired.
  // The copy has the present deadline, and gets what reads add to the old one once it
  // is linked. Until then no thread may find that its deadline has passed.
  if (item.slides()) {
    using namespace std::chrono_literals;
    const auto margin
      = std::min<std::chrono::nanoseconds>(item.sliding().idle() / 8, 1s);
    if (item.sliding().expiry() <= now + margin)
      return std::nullopt;
  }
  const auto size = item.size();
  auto* block = g.blocks.allocate(size);
  if (block == nullptr)
    return std::nullopt;
  auto* copy = entry::copy(block, item);
  count(*copy, true);
  if (copy->large()) [[unlikely]] {
    copy->hold().block->hold();
    take_hold(*copy, hand_over(item));
  }
  index::relink(where, hash, copy);
  retire(item, slab::footprint(size));
  if (copy->slides())
    g.add_sliding(copy->sliding().follow(item.sliding().deadline()));
  add(relocations_, 1);
  return size;
}

} // namespace troupe::memory
