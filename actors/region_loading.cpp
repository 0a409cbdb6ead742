// The part of a region that loads what is missing.

#include <troupe/actors/region.hpp>

#include <new>
#include <utility>
#include <variant>

#include <troupe/actors/detail/promise.hpp>
#include <troupe/actors/operations.hpp>

namespace troupe {

using operations::keyed;

void region::get_or_set_then(bytes key, bytes_loader loader, write_options how,
                             std::function<void(expected<bytes>)> done) {
  auto present = get(key);
  if (!present) {
    done(tl::unexpected{std::move(present.error())});
    return;
  }
  if (*present) {
    done(std::move(**present));
    return;
  }
  if (auto ok = check(how); !ok) {
    done(tl::unexpected{std::move(ok.error())});
    return;
  }
  auto id = loads_->next_id();
  auto waiter = std::make_shared<load_waiter>(
    load_waiter{std::move(loader), how, done});
  keyed<bytes> which{std::move(key)};
  auto& where = shards_.owner(which);
  where.submit(
    [self = shared_from_this(), which = std::move(which), id,
     waiter](memory::store& store) -> expected<memory::load_decision> {
      auto decision = store.acquire_load(which, id);
      if (!decision)
        return decision;
      // Told to the coordinator from inside the shard's turn, so that it hears
      // of decisions in their order.
      if (auto* joined = std::get_if<memory::load_joined>(&*decision)) {
        self->loads_->join(joined->id, std::move(*waiter));
      } else if (std::holds_alternative<memory::load_granted>(*decision)) {
        try {
          self->loads_->start(id, self, which.key, std::move(*waiter));
        } catch (const std::bad_alloc&) {
          static_cast<void>(store.release_load(which, id));
          throw;
        }
      }
      return decision;
    },
    [done = std::move(done)](expected<memory::load_decision> decision) {
      if (!decision)
        done(tl::unexpected{std::move(decision.error())});
      else if (auto* hit = std::get_if<memory::load_hit>(&*decision))
        done(std::move(hit->value));
    });
}

std::future<expected<bytes>>
region::get_or_set_async(bytes key, bytes_loader loader, write_options how) {
  detail::promise<bytes> result;
  auto future = result.future();
  get_or_set_then(std::move(key), std::move(loader), how, result);
  return future;
}

expected<bytes> region::get_or_set(bytes_view key, bytes_loader loader,
                                   const write_options& how) {
  // The hit needs none of what follows.
  if (auto present = get(key); !present)
    return tl::unexpected{std::move(present.error())};
  else if (*present)
    return std::move(**present);
  auto future = get_or_set_async(bytes{key}, std::move(loader), how);
  // Normally the runtime's clockwork takes care of deadlines. Looking here,
  // too, keeps the promise that nobody hangs when that is being restarted, or
  // when there is no clockwork because somebody uses a region on its own.
  while (future.wait_for(options_.load_timeout) != std::future_status::ready)
    loads_->tick();
  return future.get();
}

void region::commit_load(bytes_view key, load_id id, bytes value,
                         const write_options& how,
                         std::function<void(bytes)> done) {
  keyed<bytes> which{bytes{key}};
  auto& where = shards_.owner(which);
  auto loaded = std::make_shared<bytes>(std::move(value));
  where.submit(
    [which = std::move(which), id, loaded, how](memory::store& store) {
      return store.commit_load(which, id, *loaded, how);
    },
    // Stored or refused, or the shard is down: the value was loaded, and whoever
    // waits for it gets it.
    [self = shared_from_this(), loaded,
     done = std::move(done)](const expected<bool>&) {
      done(std::move(*loaded));
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
    // A shard that is down has no lease to give back.
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
