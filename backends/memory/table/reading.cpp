// The part of a table that reads what is not plain: entries with tags or an idle
// time, and those that seem to have expired.

#include <troupe/backends/memory/table/reading.hpp>

namespace troupe::memory {

/// What is in an entry that lives at `now`.
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

/// The long way of a read, after `in` held `found`. When that is dead, another may
/// have taken its place, alive, between the look at the index and the one at the
/// clock. So the second time it is the clock first, then a moment in which no change
/// decides about this key by an earlier clock: what the index holds then, and was dead
/// before, is all that the key has. When it was settled, a copy may stand in its
/// place, which is to know of this use.
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

} // namespace troupe::memory
