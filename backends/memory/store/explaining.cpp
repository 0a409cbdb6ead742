// The part of a store that says why a key is in its state.

#include <troupe/backends/memory/store/store.hpp>

#include <algorithm>
#include <vector>

#include <troupe/backends/memory/entries/footprint.hpp>

namespace troupe::memory {

expected<explanation> store::explain(const hashed_key& key) {
  explanation result;
  result.now = time_.now();
  if (const auto where = table_.locate(key); where.item != nullptr)
    explain_entry(*where.item, result);
  result.updating = updates_.held(key.key);
  table_.events().visit(key.key, [&result](key_event&& x) {
    result.events.push_back(std::move(x));
    return result.events.size() < defaults::explained_events;
  });
  explain_load(key, result);
  return result;
}

void store::explain_entry(const entry& item, explanation& to) {
  using state = explanation::state;
  const auto with = item.attributes();
  to.is = table_.expired(item) ? state::expired
          : table_.dead(item)  ? state::killed
                               : state::present;
  to.version = item.version();
  to.value_size = item.value_size();
  to.charge = footprint(item);
  if (with.deadline != never)
    to.ttl_left = with.deadline - to.now;
  if (with.slides())
    to.idle_left = with.idle_until - to.now;
  for (auto x : with.tags)
    to.tags.emplace_back(forgotten_.tags().name_of(x));
  // As the sweep will record it.
  if (to.is == state::expired)
    to.events.push_back({key_event_kind::expired, key_event_kind::expired,
                         to.version, item.deadline()});
}

/// The load that holds the key's lease, or that has lost it and has not ended.
void store::explain_load(const hashed_key& key, explanation& to) const {
  if (const auto* held = loads_.find(key.key)) {
    to.in_flight = {held->id, to.now - held->since, false};
    return;
  }
  std::vector<load_id> ended;
  const auto is_over = [&ended](load_id x) {
    return std::find(ended.begin(), ended.end(), x) != ended.end();
  };
  for (const auto& x : to.events) {
    using kind = key_event_kind;
    if (!concerns_load(x.kind))
      continue;
    if (x.kind != kind::load_fenced && x.kind != kind::load_granted) {
      ended.push_back(x.load);
    } else if (!is_over(x.load)) {
      to.in_flight = {x.load, {}, true};
      break;
    }
  }
  if (!to.in_flight)
    return;
  for (const auto& x : to.events)
    if (x.kind == key_event_kind::load_granted && x.load == to.in_flight->id)
      to.in_flight->age = to.now - x.at;
}

} // namespace troupe::memory
