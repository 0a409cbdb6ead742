#include <troupe/backends/memory/store/loads.hpp>

#include <utility>

namespace troupe::memory {

expected<load_decision>
store_loads::acquire_load(const hashed_key& key, load_id id,
                          std::shared_ptr<const load_tags> tags,
                          load_purpose why) {
  std::optional<stale_entry> stale;
  const auto where = table_.locate(key);
  if (auto answer = too_early(where, why, stale))
    return std::move(*answer);
  const auto now = forgotten_.tags().sequence();
  if (auto* held = loads_.find(key.key)) {
    const auto killed = held->born < now && held->tags != nullptr
                        && forgotten_.tags().killed_by_name(
                          held->born, held->tags->copy().names());
    if (!killed)
      return load_joined{held->id, now, std::move(stale)};
    fence(key.key, key_event_kind::tag_invalidated);
  }
  loads_.grant(key.key, {id, now, std::move(tags), time_.coarse()});
  record_load(key_event_kind::load_granted, key, id);
  // Otherwise each reader would ask for a lease until the refresh is stored.
  if (why == load_purpose::refresh && where.item != nullptr)
    where.item->postpone_refresh(time_.now() + defaults::refresh_pause);
  return load_granted{now, std::move(stale)};
}

/// The decision about the entry at `where`, when no load is needed. Otherwise `stale`
/// becomes a copy of the entry, if it is stale but usable.
std::optional<load_decision>
store_loads::too_early(const table::position& where, load_purpose why,
                       std::optional<stale_entry>& stale) const {
  if (where.item == nullptr)
    return std::nullopt;
  const auto& item = *where.item;
  const auto refreshes = why == load_purpose::refresh;
  // A refresh is not a use of the entry.
  const auto present = refreshes && live(where) ? item.view() : use(where);
  if (present) {
    if (refreshes && time_.now() >= item.refresh_from())
      return std::nullopt;
    return load_hit{bytes{present->value}, present->version, present->deadline};
  }
  if (!lingers(where))
    return std::nullopt;
  if (item.absence())
    return load_absent{item.usable_until()};
  stale = stale_entry{bytes{item.value()}, item.version(), item.deadline(),
                      item.usable_until(), item.refresh_from()};
  if (time_.now() < stale->refresh_from)
    return load_stale{std::move(*stale)};
  return std::nullopt;
}

expected<load_outcome>
store_loads::commit_load(const hashed_key& key, load_id id, std::uint64_t born,
                         std::optional<bytes_view> value,
                         const write_options& how,
                         std::optional<ttl_duration> absence_ttl) {
  auto result = store_loaded(key, id, born, value, how, absence_ttl);
  if (!result)
    record_load(key_event_kind::load_refused, key, id);
  return result;
}

expected<load_outcome>
store_loads::store_loaded(const hashed_key& key, load_id id, std::uint64_t born,
                          std::optional<bytes_view> value,
                          const write_options& how,
                          std::optional<ttl_duration> absence_ttl) {
  // First, so that an error ends the lease as well.
  const auto held = loads_.release(key.key, id);
  used_tags tags{*this, how.tags};
  const tag_step step{forgotten_.tags(), witness_, !how.tags.empty()};
  load_outcome result;
  result.killed = forgotten_.tags().killed(born, tags.ids());
  // An update that holds its lease has already read the key; a load that stored now
  // would be overwritten unseen.
  if (!held || result.killed || updates_.held(key.key)) {
    using kind = key_event_kind;
    record_load(kind::load_refused,
                !held           ? kind::load_fenced
                : result.killed ? kind::tag_invalidated
                                : kind::updating,
                key, id);
    return result;
  }
  if (!value) {
    record_load(key_event_kind::load_empty, key, id);
    return commit_absence(key, absence_ttl, born, tags.ids());
  }
  auto with = attributes_for(how, nullptr, tags.ids());
  with.born = born;
  auto stored = put(table_.locate(key), key, *value, with);
  if (!stored)
    return tl::unexpected{std::move(stored.error())};
  result.stored = true;
  record_load(key_event_kind::load_stored, key, id);
  return result;
}

/// The loader found no value: an older one must not answer any more.
expected<load_outcome>
store_loads::commit_absence(const hashed_key& key,
                            std::optional<ttl_duration> ttl, std::uint64_t born,
                            std::span<const tag_id> tags) {
  load_outcome result;
  auto where = table_.locate(key);
  if (!ttl) {
    if (live(where) || lingers(where))
      remove(where, key);
    return result;
  }
  const auto now = time_.now();
  entry_attributes with;
  with.deadline = now;
  with.moments = {*ttl, *ttl, true};
  with.born = born;
  with.tags = tags;
  // Not by `place`: the key stays absent for those who watch its absence.
  if (auto x = table_.put(where, key, {}, with); x != put_result::done)
    return tl::unexpected{refusal(x)};
  result.stored = true;
  return result;
}

expected<void> store_loads::release_load(const hashed_key& key, load_id id,
                                         std::optional<time_point> next) {
  if (loads_.release(key.key, id) && next)
    if (auto where = table_.locate(key); live(where) || lingers(where))
      where.item->postpone_refresh(*next);
  record_load(key_event_kind::load_released, key, id);
  return {};
}

expected<bool> store_loads::holds_load(const hashed_key& key,
                                       load_id id) const {
  return loads_.holder(key.key) == id;
}

} // namespace troupe::memory
