#include <troupe/actors/regions/region_loads.hpp>

#include <utility>

namespace troupe {

expected<void> region_loads::check_loaded(bytes_view value,
                                          const write_options& how) const {
  return look_at_value(value, how);
}

expected<void>
region_loads::acquire_load_now(const hashed_key& key, load_id id,
                               load_purpose why,
                               std::shared_ptr<const load_tags> tags,
                               function_ref<bool(load_decision)> decided) {
  return provider_->acquire_load_now(key, id, why, std::move(tags), decided);
}

void region_loads::acquire_load(
  carried_key key, load_id id, load_purpose why,
  std::shared_ptr<const load_tags> tags,
  std::function<bool(expected<load_decision>)> decided) {
  provider_->acquire_load(std::move(key), id, why, std::move(tags),
                          std::move(decided));
}

expected<load_outcome> region_loads::commit_load_now(const hashed_key& key,
                                                     const loaded_value& what) {
  return provider_->commit_load_now(key, what);
}

void region_loads::release_load(const carried_key& key, load_id id,
                                std::optional<time_point> next,
                                completion<void> done) {
  provider_->release_load(key, id, next, std::move(done));
}

bool region_loads::fenced(const carried_key& key, load_id id) {
  const auto holds = provider_->holds_load(key, id);
  // A provider that has been stopped has no leases.
  return !holds || !*holds;
}

} // namespace troupe
