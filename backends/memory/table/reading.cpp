// The part of a table for reads outside of the plain case: entries with tags or an idle
// time, and entries that seem to have expired.

#include <troupe/backends/memory/table/reading.hpp>

namespace troupe::memory {

/// The view of an entry that lives at `now`.
std::optional<entry_view> table_reading::see(generation& in, const entry& x,
                                             lookup as,
                                             time_point now) const noexcept {
  if (x.tagged() && killed(x))
    return std::nullopt;
  if (x.slides() && as == lookup::use) {
    auto [alive, moved] = x.sliding().read(now);
    if (!alive)
      return std::nullopt;
    in.add_sliding(moved);
  } else if (x.expired(now)) {
    return std::nullopt;
  }
  return x.view();
}

/// The slow path of a read, after `in` held `found`. When `found` is dead, a live entry
/// may have replaced it between the search in the index and the read of the clock. So
/// the second time it reads the clock first, then waits for a moment in which no change
/// decides about this key by an earlier clock. What the index holds then decides: when
/// its entry is dead, the key is absent. When the entry was settled, a copy may have
/// replaced it, which must count this use.
std::optional<entry_view>
table_reading::look_closely(bytes_view key, std::uint64_t hash, generation& in,
                            const entry& found, lookup as) const noexcept {
  auto seen = see(in, found, as, now_for(found));
  const auto counted
    = as != lookup::use || !found.slides() || !found.sliding().is_settled();
  if (seen && counted)
    return seen;
  const auto now = time_.now();
  deciding_.await_none(hash);
  auto& g = *current_.load(std::memory_order_acquire);
  if (g.era != forgotten_.era())
    return std::nullopt;
  const auto* item = g.links.find({key, hash});
  return item == nullptr ? std::nullopt : see(g, *item, as, now);
}

/// Like `look_closely`, but for entries that linger, too.
table_reading::usable_entry
table_reading::find_usable(const hashed_key& key, lookup as) const noexcept {
  {
    auto& g = *current_.load(std::memory_order_acquire);
    const auto* item = g.era == forgotten_.era() ? g.links.find(key) : nullptr;
    if (item == nullptr)
      return {};
    const auto seen = see(g, *item, as, now_for(*item));
    const auto counted
      = as != lookup::use || !item->slides() || !item->sliding().is_settled();
    if (seen && counted)
      return {item, *seen};
  }
  const auto now = time_.now();
  deciding_.await_none(key.hash);
  auto& g = *current_.load(std::memory_order_acquire);
  const auto* item = g.era == forgotten_.era() ? g.links.find(key) : nullptr;
  if (item == nullptr)
    return {};
  if (const auto seen = see(g, *item, as, now))
    return {item, *seen};
  if (lingers_at(*item, now))
    return {item, item->view()};
  return {};
}

} // namespace troupe::memory
