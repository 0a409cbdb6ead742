// The part of a region that loads missing values.

#include <troupe/actors/regions/region_declared.hpp>

#include <utility>

#include <troupe/actors/loads/load_coordinator.hpp>

namespace troupe {

void region::get_or_set_then(carried_key key, bytes_loader loader,
                             write_options how,
                             completion<std::optional<bytes>> done) {
  // Before the read: options that are refused on a miss are refused on a hit, too.
  if (auto ok = check_unconditional(how); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  auto look = key;
  get_then(std::move(look), lookup::use,
           [self = shared_from_this(), key = std::move(key),
            loader = std::move(loader), how = std::move(how),
            done = std::move(done)](
             expected<std::optional<entry_copy>> present) mutable {
             if (!present)
               done(tl::unexpected{std::move(present.error())});
             else if (*present)
               done(std::move((*present)->value));
             else
               self->load_missing_then(std::move(key), std::move(loader),
                                       std::move(how), std::move(done));
           });
}

void region::load_missing_then(carried_key key, bytes_loader loader,
                               write_options how,
                               completion<std::optional<bytes>> done) {
  loads_->get_then(
    shared_from_this(), std::move(key), std::move(loader), std::move(how),
    [done = std::move(done)](const load_answer& x) { done(x.value); });
}

expected<std::optional<bytes>>
region::get_or_set(const hashed_key& key, const bytes_loader& loader,
                   const write_options& how, const load_terms& terms) {
  if (auto ok = check_unconditional(how); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (auto present = get(key); !present || *present)
    return present;
  return load_missing(key, loader, how, terms).value;
}

load_answer
region::load_missing(const hashed_key& key, const bytes_loader& loader,
                     const write_options& how, const load_terms& terms) {
  return loads_->get(shared_from_this(), key, loader, how, terms);
}

load_id region::next_load_id() const noexcept {
  return loads_->next_id();
}

// -- for the coordinator -----------------------------------------------------------

expected<void> region::check_loaded(bytes_view value,
                                    const write_options& how) const {
  return look_at_value(value, how);
}

expected<void>
region::acquire_load_now(const hashed_key& key, load_id id, load_purpose why,
                         std::shared_ptr<const load_tags> tags,
                         function_ref<bool(load_decision)> decided) {
  return provider_->acquire_load_now(key, id, why, std::move(tags), decided);
}

void region::acquire_load(
  carried_key key, load_id id, load_purpose why,
  std::shared_ptr<const load_tags> tags,
  std::function<bool(expected<load_decision>)> decided) {
  provider_->acquire_load(std::move(key), id, why, std::move(tags),
                          std::move(decided));
}

expected<load_outcome> region::commit_load_now(const hashed_key& key,
                                               const loaded_value& what) {
  return provider_->commit_load_now(key, what);
}

void region::release_load(const carried_key& key, load_id id,
                          std::optional<time_point> next,
                          completion<void> done) {
  provider_->release_load(key, id, next, std::move(done));
}

bool region::fenced(const carried_key& key, load_id id) {
  const auto holds = provider_->holds_load(key, id);
  return holds && !*holds;
}

} // namespace troupe
