// The part of a region that loads what is missing.

#include <troupe/actors/regions/region.hpp>

#include <new>
#include <utility>
#include <variant>

#include <troupe/actors/regions/detail/promise.hpp>
#include <troupe/backends/memory/shards/operations.hpp>

namespace troupe {

using operations::keyed;

void region::get_or_set_then(
  bytes key, bytes_loader loader, write_options how,
  std::function<void(expected<std::optional<bytes>>)> done) {
  // Before the look: what is refused on a miss is refused on a hit, too.
  if (auto ok = check_unconditional(how); !ok) {
    done(tl::unexpected{std::move(ok.error())});
    return;
  }
  auto present = get(key);
  if (!present || *present) {
    done(std::move(present));
    return;
  }
  auto id = loads_->next_id();
  auto tags = std::make_shared<load_tags>(how.tags);
  auto waiter = std::make_shared<load_waiter>(
    load_waiter{std::move(loader), std::move(how), done});
  keyed<bytes> which{std::move(key)};
  auto& where = shards_.owner(which);
  where.submit(
    [self = shared_from_this(), which = std::move(which), id, tags,
     waiter](memory::store& store) -> expected<load_decision> {
      auto decision = store.acquire_load(which, id, tags);
      if (!decision)
        return decision;
      // Told to the coordinator from inside the shard's turn, so that it hears
      // of decisions in their order.
      if (auto* joined = std::get_if<load_joined>(&*decision)) {
        waiter->since = joined->since;
        self->loads_->join(joined->id, std::move(*waiter));
      } else if (auto* granted
                 = std::get_if<load_granted>(&*decision)) {
        try {
          self->loads_->start(id, granted->born, self, which.key, tags,
                              std::move(*waiter));
        } catch (const std::bad_alloc&) {
          static_cast<void>(store.release_load(which, id));
          throw;
        }
      }
      return decision;
    },
    [done = std::move(done)](expected<load_decision> decision) {
      if (!decision)
        done(tl::unexpected{std::move(decision.error())});
      else if (auto* hit = std::get_if<load_hit>(&*decision))
        done(std::move(hit->value));
    });
}

std::future<expected<std::optional<bytes>>>
region::get_or_set_async(bytes key, bytes_loader loader, write_options how) {
  detail::promise<std::optional<bytes>> result;
  auto future = result.future();
  get_or_set_then(std::move(key), std::move(loader), std::move(how), result);
  return future;
}

expected<std::optional<bytes>> region::get_or_set(bytes_view key,
                                                  bytes_loader loader,
                                                  const write_options& how) {
  if (auto ok = check_unconditional(how); !ok)
    return tl::unexpected{std::move(ok.error())};
  // The hit needs none of what follows.
  if (auto present = get(key); !present || *present)
    return present;
  auto future = get_or_set_async(bytes{key}, std::move(loader), how);
  // Normally the runtime's clockwork takes care of deadlines. Looking here,
  // too, keeps the promise that nobody hangs when that is being restarted, or
  // when there is no clockwork because somebody uses a region on its own.
  while (future.wait_for(load_timeout()) != std::future_status::ready)
    loads_->tick();
  return future.get();
}

void region::commit_load(
  bytes_view key, load_id id, std::uint64_t born, std::optional<bytes> value,
  const write_options& how,
  std::function<void(std::optional<bytes> loaded, bool killed)> done) {
  keyed<bytes> which{bytes{key}};
  auto& where = shards_.owner(which);
  auto loaded = std::make_shared<std::optional<bytes>>(std::move(value));
  where.submit(
    [which = std::move(which), id, born, loaded, how](memory::store& store) {
      return store.commit_load(which, id, born,
                               loaded->has_value()
                                 ? std::optional<bytes_view>{**loaded}
                                 : std::nullopt,
                               how);
    },
    // Stored or refused, or the shard is down: the value was loaded, and whoever
    // waits for it gets it. After an error it may be older than an invalidation.
    [self = shared_from_this(), loaded,
     done = std::move(done)](const expected<load_outcome>& outcome) {
      done(std::move(*loaded), !outcome || outcome->killed);
    });
}

void region::release_load(bytes_view key, load_id id,
                          std::function<void()> done) {
  keyed<bytes> which{bytes{key}};
  auto& where = shards_.owner(which);
  where.submit(
    [which = std::move(which), id](memory::store& store) {
      return store.release_load(which, id);
    },
    // A shard that failed has voided the lease.
    [self = shared_from_this(), done = std::move(done)](const expected<void>&) {
      done();
    });
}

bool region::fenced(bytes_view key, load_id id) {
  keyed<bytes_view> which{key};
  auto& where = shards_.owner(which);
  if (where.state() != shard_state::running)
    return false;
  auto holds = where.run(
    [&](memory::store& store) { return store.holds_load(which, id); });
  return holds && !*holds;
}

} // namespace troupe
