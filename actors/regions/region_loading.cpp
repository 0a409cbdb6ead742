// The part of a region that loads missing values.

#include <troupe/actors/regions/region.hpp>

#include <utility>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/loads/load_graph.hpp>
#include <troupe/actors/regions/detail/different_keys.hpp>

namespace troupe {

void region::get_or_set_then(carried_key key, load_function loader,
                             write_options how,
                             completion<std::optional<bytes>> done,
                             const load_terms& terms) {
  // Before the read: options that are refused on a miss are refused on a hit, too.
  if (auto ok = check_unconditional(how); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  if (has_moments()) {
    auto refreshes = false;
    auto found = read_usable(key, refreshes);
    if (!found)
      return done(tl::unexpected{std::move(found.error())});
    if (refreshes)
      loads_->refresh(shared_from_this(), key, loader, how);
    if (*found)
      return done(std::move((*found)->value));
    return load_missing_then(std::move(key), std::move(loader), std::move(how),
                             std::move(done), terms);
  }
  auto look = key;
  get_then(std::move(look), lookup::use,
           [self = shared_from_this(), key = std::move(key),
            loader = std::move(loader), how = std::move(how),
            done = std::move(done),
            terms](expected<std::optional<entry_copy>> present) mutable {
             if (!present)
               done(tl::unexpected{std::move(present.error())});
             else if (*present)
               done(std::move((*present)->value));
             else
               self->load_missing_then(std::move(key), std::move(loader),
                                       std::move(how), std::move(done), terms);
           });
}

void region::load_missing_then(carried_key key, load_function loader,
                               write_options how,
                               completion<std::optional<bytes>> done,
                               const load_terms& terms) {
  loads_->get_then(
    shared_from_this(), std::move(key), std::move(loader), std::move(how),
    terms, [done = std::move(done)](const load_answer& x) { done(x.value); });
}

expected<std::optional<bytes>>
region::get_or_set(const hashed_key& key, const load_function& loader,
                   const write_options& how, const load_terms& terms) {
  return get_or_load(key, loader, how, terms).value;
}

load_answer
region::get_or_load(const hashed_key& key, const load_function& loader,
                    const write_options& how, const load_terms& terms) {
  if (auto ok = check_unconditional(how); !ok)
    return {tl::unexpected{std::move(ok.error())}};
  auto refreshes = false;
  auto found = read_usable(key, refreshes);
  if (!found)
    return {tl::unexpected{std::move(found.error())}};
  if (refreshes)
    loads_->refresh(shared_from_this(), carried_key{key}, loader, how);
  if (*found)
    return std::move(**found);
  return load_missing(key, loader, how, terms);
}

/// The answer without a load, if there is one. Sets `refreshes` when a load in the
/// background should follow.
expected<std::optional<load_answer>>
region::read_usable(const hashed_key& key, bool& refreshes) const {
  std::optional<load_answer> result;
  const auto hit = [&](const entry_view& x) {
    result
      = load_answer{std::optional<bytes>{bytes{x.value}}, load_origin::hit};
    result->version = x.version;
  };
  expected<bool> found = true;
  if (!has_moments()) {
    found = visit(key, hit);
  } else if (auto ok = check_key(key); !ok) {
    return tl::unexpected{std::move(ok.error())};
  } else {
    found = provider_->read_usable(
      key,
      [&](const entry_view& x, const staleness& moments) {
        const auto time = now();
        if (moments.absence) {
          result = load_answer{std::optional<bytes>{}, load_origin::hit};
        } else if (time < x.deadline) {
          hit(x);
          refreshes = time >= moments.refresh_from;
        } else {
          const auto revalidates
            = time < x.deadline + options_.stale_while_revalidate;
          refreshes = revalidates && time >= moments.refresh_from;
          if (revalidates || time < moments.refresh_from)
            result = load_answer{std::optional<bytes>{bytes{x.value}},
                                 load_origin::stale,
                                 revalidates ? stale_reason::revalidating
                                             : stale_reason::throttled};
        }
      },
      lookup::use);
  }
  if (!found)
    return tl::unexpected{std::move(found.error())};
  return result;
}

load_answer
region::load_missing(const hashed_key& key, const load_function& loader,
                     const write_options& how, const load_terms& terms) {
  if (auto ok = running_update::check(*this, key.key); !ok)
    return {tl::unexpected{std::move(ok.error())}};
  return loads_->get(shared_from_this(), key, loader, how, terms);
}

// -- several keys ------------------------------------------------------------------

/// Adds all keys to `missing`; with `look`, reads the keys, adds the absent ones, and
/// begins the loads in the background.
expected<void> region::find_missing(std::span<const bytes_view> keys, bool look,
                                    different_keys& missing,
                                    const bulk_loader& loader,
                                    const write_options& how) {
  if (!look) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (auto ok = check_key({keys[i], 0}); !ok)
        return ok;
      missing.add(i, keys[i]);
    }
    return {};
  }
  if (!has_moments())
    return visit_many(keys, [&](std::size_t i, const entry_view* x) {
      if (x == nullptr)
        return missing.add(i, keys[i]);
      load_answer hit{std::optional<bytes>{bytes{x->value}}, load_origin::hit};
      hit.version = x->version;
      missing.answer(i, std::move(hit));
    });
  different_keys refreshed{keys.size()};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto refreshes = false;
    auto found = read_usable(keys[i], refreshes);
    if (!found)
      return tl::unexpected{std::move(found.error())};
    if (refreshes)
      refreshed.add(i, keys[i]);
    if (*found)
      missing.answer(i, std::move(**found));
    else
      missing.add(i, keys[i]);
  }
  loads_->refresh_many(shared_from_this(), refreshed.take_keys(), loader, how);
  return {};
}

expected<std::vector<load_answer>>
region::get_or_load_many(std::span<const bytes_view> keys,
                         const bulk_loader& loader, const write_options& how,
                         const load_terms& terms) {
  if (auto ok = check_unconditional(how); !ok)
    return tl::unexpected{std::move(ok.error())};
  different_keys missing{keys.size()};
  if (auto ok = find_missing(keys, true, missing, loader, how); !ok)
    return tl::unexpected{std::move(ok.error())};
  return missing.take_answers(loads_->get_many(
    shared_from_this(), missing.take_keys(), loader, how, terms));
}

expected<std::vector<load_answer>>
region::load_missing_many(std::span<const bytes_view> keys,
                          const bulk_loader& loader, const write_options& how,
                          const load_terms& terms) {
  different_keys missing{keys.size()};
  if (auto ok = find_missing(keys, false, missing, loader, how); !ok)
    return tl::unexpected{std::move(ok.error())};
  return missing.take_answers(loads_->get_many(
    shared_from_this(), missing.take_keys(), loader, how, terms));
}

void region::get_or_load_many_then(std::span<const bytes_view> keys, bool look,
                                   bulk_loader loader, const write_options& how,
                                   completion<std::vector<load_answer>> done) {
  if (auto ok = check_unconditional(how); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  const auto missing = std::make_shared<different_keys>(keys.size());
  if (auto ok = find_missing(keys, look, *missing, loader, how); !ok)
    return done(tl::unexpected{std::move(ok.error())});
  auto absent = missing->take_keys();
  loads_->get_many_then(
    shared_from_this(), std::move(absent), std::move(loader), how,
    [missing, done = std::move(done)](std::vector<load_answer> loaded) {
      done(missing->take_answers(loaded));
    });
}

load_id region::next_load_id() const noexcept {
  return loads_->next_id();
}

} // namespace troupe
