// The part of a region that loads missing values.

#include <troupe/actors/regions/region_declared.hpp>

#include <future>
#include <new>
#include <utility>
#include <variant>

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
  const auto id = loads_->next_id();
  auto tags = std::make_shared<load_tags>(how.tags);
  auto waiter = std::make_shared<load_waiter>(
    load_waiter{std::move(loader), std::move(how), std::move(done)});
  auto where = std::make_shared<const carried_key>(key);
  // Called as the decisions are made, so that the coordinator gets them in their order.
  auto decided = [self = shared_from_this(), where, id, tags,
                  waiter](expected<load_decision> decision) {
    if (!decision) {
      waiter->done(tl::unexpected{std::move(decision.error())});
    } else if (auto* hit = std::get_if<load_hit>(&*decision)) {
      waiter->done(std::optional<bytes>{std::move(hit->value)});
    } else if (auto* joined = std::get_if<load_joined>(&*decision)) {
      waiter->since = joined->since;
      self->loads_->join(joined->id, std::move(*waiter));
    } else if (auto* stale = std::get_if<load_stale>(&*decision)) {
      waiter->done(std::optional<bytes>{std::move(stale->entry.value)});
    } else if (std::holds_alternative<load_absent>(*decision)) {
      waiter->done(std::optional<bytes>{});
    } else {
      const auto born = std::get<load_granted>(*decision).born;
      self->loads_->start(id, born, self, *where, tags, std::move(*waiter));
    }
  };
  provider_->acquire_load(
    std::move(key), id, load_purpose::missing, tags,
    [decided = std::move(decided), waiter](expected<load_decision> decision) {
      auto answer = waiter->done;
      try {
        decided(std::move(decision));
        return true;
      } catch (const std::bad_alloc&) {
        answer(fail(errc::out_of_memory));
        return false;
      }
    });
}

expected<std::optional<bytes>> region::get_or_set(const hashed_key& key,
                                                  bytes_loader loader,
                                                  const write_options& how) {
  if (auto ok = check_unconditional(how); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (auto present = get(key); !present || *present)
    return present;
  return load_missing(key, std::move(loader), how);
}

expected<std::optional<bytes>> region::load_missing(const hashed_key& key,
                                                    bytes_loader loader,
                                                    const write_options& how) {
  auto made = std::make_shared<std::promise<expected<std::optional<bytes>>>>();
  auto future = made->get_future();
  load_missing_then(carried_key{key}, std::move(loader), how,
                    [made](expected<std::optional<bytes>> x) {
                      made->set_value(std::move(x));
                    });
  // Normally the runtime's clockwork checks the deadlines. The check here ensures that
  // no caller hangs while the clockwork is being restarted, or when a region is used
  // without one.
  while (future.wait_for(load_timeout()) != std::future_status::ready)
    loads_->tick();
  return future.get();
}

load_id region::next_load_id() const noexcept {
  return loads_->next_id();
}

// -- for the coordinator -----------------------------------------------------------

expected<void> region::check_loaded(bytes_view value,
                                    const write_options& how) const {
  return look_at_value(value, how);
}

void region::commit_load(const carried_key& key, load_commit what,
                         completion<load_outcome> done) {
  provider_->commit_load(key, std::move(what),
                         [self = shared_from_this(), done = std::move(done)](
                           expected<load_outcome> x) { done(std::move(x)); });
}

void region::release_load(const carried_key& key, load_id id,
                          completion<void> done) {
  provider_->release_load(key, id, std::nullopt,
                          [self = shared_from_this(), done = std::move(done)](
                            expected<void> x) { done(std::move(x)); });
}

bool region::fenced(const carried_key& key, load_id id) {
  const auto holds = provider_->holds_load(key, id);
  return holds && !*holds;
}

void region::load_again(const carried_key& key, bytes_loader loader,
                        write_options how,
                        completion<std::optional<bytes>> done) {
  get_or_set_then(key, std::move(loader), std::move(how), std::move(done));
}

} // namespace troupe
