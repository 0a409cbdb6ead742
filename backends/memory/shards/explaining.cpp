#include <troupe/backends/memory/shards/explaining.hpp>

#include <algorithm>
#include <new>
#include <utility>

#include <troupe/backends/changes.hpp>
#include <troupe/backends/memory/shards/shard_map.hpp>

namespace troupe::memory {

// A key of a shard that was not made has no events: `owner` returns another shard, which
// finds none.

expected<explanation> explaining::explain(const hashed_key& key) {
  auto result = shards_.owner(key).run(
    [&key](store& in) -> expected<explanation> { return in.explain(key); });
  if (!result)
    return result;
  try {
    add_region_events(key, *result);
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
  return result;
}

void explaining::explain_then(carried_key key,
                              std::function<void(expected<explanation>)> done) {
  auto& where = shards_.owner(key);
  where.submit(
    [this, key = std::move(key)](store& in) -> expected<explanation> {
      return in.explain(key).map([&](explanation&& x) {
        add_region_events(key, x);
        return std::move(x);
      });
    },
    std::move(done));
}

/// Merges the events of the region that concern the key, newest first.
void explaining::add_region_events(const hashed_key& key,
                                   explanation& to) const {
  using kind = key_event_kind;
  constexpr auto most = defaults::explained_events;
  auto collect = [&](bytes_view name, kind wanted) {
    std::size_t found = 0;
    events_.visit(name, [&](key_event&& x) {
      if (x.kind != wanted)
        return true;
      x.name = name;
      to.events.push_back(std::move(x));
      return ++found < most;
    });
  };
  collect({}, kind::cleared);
  // The tags of the entry, and the one that is recorded to have removed another entry.
  auto names = to.tags;
  for (const auto& x : to.events)
    if (x.kind == kind::tag_invalidated && !x.name.empty())
      names.push_back(x.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const auto& x : names)
    collect(x, kind::tag_invalidated);
  if (const auto prefix = shards_.prefix_of(key); !prefix.empty())
    collect(prefix, kind::namespace_cleared);
  std::stable_sort(
    to.events.begin(), to.events.end(),
    [](const key_event& x, const key_event& y) { return x.at > y.at; });
  if (to.events.size() > most)
    to.events.resize(most);
}

} // namespace troupe::memory
