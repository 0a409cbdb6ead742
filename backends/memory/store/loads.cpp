#include <troupe/backends/memory/store/loads.hpp>

#include <utility>

namespace troupe::memory {

expected<load_decision>
store_loads::acquire_load(const hashed_key& key, load_id id,
                          std::shared_ptr<const load_tags> tags) {
  if (auto present = use(table_.locate(key)))
    return load_hit{bytes{present->value}};
  const auto now = forgotten_.tags().sequence();
  if (auto* held = loads_.find(key.key)) {
    const auto killed = held->born < now && held->tags != nullptr
                        && forgotten_.tags().killed_by_name(
                          held->born, held->tags->copy().names());
    if (!killed)
      return load_joined{held->id, now};
    fence(key.key, key_event_kind::tag_invalidated);
  }
  loads_.grant(key.key, {id, now, std::move(tags), time_.coarse()});
  record_load(key_event_kind::load_granted, key, id);
  return load_granted{now};
}

expected<load_outcome> store_loads::commit_load(const hashed_key& key,
                                                load_id id, std::uint64_t born,
                                                std::optional<bytes_view> value,
                                                const write_options& how) {
  auto result = store_loaded(key, id, born, value, how);
  if (!result)
    record_load(key_event_kind::load_refused, key, id);
  return result;
}

expected<load_outcome>
store_loads::store_loaded(const hashed_key& key, load_id id, std::uint64_t born,
                          std::optional<bytes_view> value,
                          const write_options& how) {
  // First, so that an error ends the lease as well.
  const auto held = loads_.release(key.key, id);
  used_tags tags{*this, how.tags};
  const tag_step step{forgotten_.tags(), witness_, !how.tags.empty()};
  load_outcome result;
  result.killed = forgotten_.tags().killed(born, tags.ids());
  // An update that holds its lease has already read the key; a load that stored now
  // would be overwritten unseen.
  if (!held || result.killed || !value || updates_.held(key.key)) {
    using kind = key_event_kind;
    if (!value)
      record_load(kind::load_empty, key, id);
    else
      record_load(kind::load_refused,
                  !held           ? kind::load_fenced
                  : result.killed ? kind::tag_invalidated
                                  : kind::updating,
                  key, id);
    return result;
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

expected<void> store_loads::release_load(const hashed_key& key, load_id id) {
  loads_.release(key.key, id);
  record_load(key_event_kind::load_released, key, id);
  return {};
}

expected<bool> store_loads::holds_load(const hashed_key& key,
                                       load_id id) const {
  return loads_.holder(key.key) == id;
}

} // namespace troupe::memory
