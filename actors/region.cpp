#include <troupe/actors/region.hpp>

#include <bit>
#include <exception>
#include <thread>

#include <troupe/actors/operations.hpp>

namespace troupe {

namespace {

using operations::keyed;

/// The number of shards when the options leave it open.
std::size_t default_shards() noexcept {
  auto cores = std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
  return std::clamp(std::bit_ceil(cores * defaults::shards_per_core),
                    defaults::min_shards, defaults::max_shards);
}

/// A number that no other update of this process holds.
std::uint64_t next_token() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// The future's side of an asynchronous call.
template <class T>
class promise {
public:
  [[nodiscard]] std::future<expected<T>> future() {
    return state_->get_future();
  }

  void operator()(expected<T> result) const {
    state_->set_value(std::move(result));
  }

private:
  // Shared, since std::function wants to be copied.
  std::shared_ptr<std::promise<expected<T>>> state_
    = std::make_shared<std::promise<expected<T>>>();
};

template <class T>
std::future<expected<T>> ready(tl::unexpected<error> why) {
  promise<T> result;
  result(expected<T>{std::move(why)});
  return result.future();
}

/// Calls `f`, the user's code, and turns what it throws into an error.
expected<std::optional<bytes>> apply(const bytes_updater& f,
                                     std::optional<bytes_view> present) {
  try {
    return f(present);
  } catch (const std::exception& failure) {
    return fail(errc::update_failed, failure.what());
  } catch (...) {
    // Not swallowed: it becomes the caller's error.
    return fail(errc::update_failed,
                "the function threw something that is no std::exception");
  }
}

} // namespace

region::region(std::string name, const region_options& options,
               const clock& time, std::shared_ptr<lane_executor> executor,
               std::shared_ptr<load_coordinator> loads)
  : name_(std::move(name)),
    options_(options),
    time_(time),
    executor_(std::move(executor)),
    loads_(std::move(loads)) {
  if (options_.shards == 0)
    options_.shards = default_shards();
  shard_mask_ = options_.shards - 1;
  memory::store_options store;
  store.time = &time_;
  store.ttl = options_.ttl;
  store.jitter = options_.jitter;
  store.update_lease = options_.op_timeout;
  for (std::size_t i = 0; i < options_.shards; ++i) {
    store.seed += i;
    shards_.push_back(std::make_unique<shard>(
      name_ + "/shard-" + std::to_string(i), store, options_.op_timeout,
      *executor_));
  }
}

region::~region() = default;

// -- checks ------------------------------------------------------------------------

tl::unexpected<error> region::key_too_large(std::size_t size) const {
  return fail(errc::key_too_large,
              "the key has " + std::to_string(size) + " bytes, region "
                + name_ + " takes up to "
                + std::to_string(options_.max_key_size));
}

expected<void> region::check_write(bytes_view key, bytes_view value,
                                   const write_options& how) const {
  if (auto ok = check_key(key); !ok)
    return ok;
  return check_loaded(value, how);
}

expected<void> region::check_loaded(bytes_view value,
                                    const write_options& how) const {
  if (value.size() > options_.max_value_size)
    return fail(errc::value_too_large,
                "the value has " + std::to_string(value.size())
                  + " bytes, region " + name_ + " takes up to "
                  + std::to_string(options_.max_value_size));
  return check(how);
}

expected<void> region::check_ttl(ttl_duration ttl) const {
  write_options how;
  how.ttl = ttl;
  return check(how);
}

// -- reading -----------------------------------------------------------------------

expected<std::optional<bytes>> region::get(bytes_view key) const {
  std::optional<bytes> result;
  auto found = visit(key, [&](const entry_view& x) { result.emplace(x.value); });
  if (!found)
    return tl::unexpected{std::move(found.error())};
  return result;
}

expected<std::vector<std::optional<bytes>>>
region::get_many(std::span<const bytes_view> keys) const {
  std::vector<std::optional<bytes>> result(keys.size());
  auto ok = visit_many(keys, [&](std::size_t i, const entry_view* x) {
    if (x != nullptr)
      result[i].emplace(x->value);
  });
  if (!ok)
    return tl::unexpected{std::move(ok.error())};
  return result;
}

expected<bool> region::contains(bytes_view key) const {
  return visit(key, [](const entry_view&) {});
}

expected<std::optional<ttl_duration>> region::ttl(bytes_view key) const {
  std::optional<ttl_duration> result;
  auto found = visit(key, [&](const entry_view& x) {
    result = x.deadline == never
               ? no_expiry
               : std::chrono::ceil<ttl_duration>(x.deadline - time_.now());
  });
  if (!found)
    return tl::unexpected{std::move(found.error())};
  // The clock may have passed the deadline since the entry was found alive.
  if (result && *result <= ttl_duration::zero())
    result.reset();
  return result;
}

// -- writing -----------------------------------------------------------------------

expected<bool> region::set(bytes_view key, bytes_view value,
                           const write_options& how) {
  if (auto ok = check_write(key, value, how); !ok) [[unlikely]]
    return tl::unexpected{std::move(ok.error())};
  operations::set<bytes_view> op{keyed{key}, value, how};
  return owner(op.key.hash).run(op);
}

expected<bool> region::set_if_absent(bytes_view key, bytes_view value,
                                     write_options how) {
  how.condition = write_condition::if_absent;
  return set(key, value, how);
}

expected<std::optional<version_number>>
region::compare_and_set(bytes_view key, version_number version,
                        bytes_view value, const write_options& how) {
  if (auto ok = check_write(key, value, how); !ok)
    return tl::unexpected{std::move(ok.error())};
  operations::compare_and_set<bytes_view> op{keyed{key}, version, value, how};
  return owner(op.key.hash).run(op);
}

expected<bool> region::erase(bytes_view key) {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  operations::erase<bytes_view> op{keyed{key}};
  return owner(op.key.hash).run(op);
}

expected<bool> region::touch(bytes_view key, ttl_duration ttl) {
  if (auto ok = check_key(key).and_then([&] { return check_ttl(ttl); }); !ok)
    return tl::unexpected{std::move(ok.error())};
  operations::touch<bytes_view> op{keyed{key}, ttl};
  return owner(op.key.hash).run(op);
}

expected<std::int64_t> region::increment(bytes_view key, std::int64_t delta) {
  if (auto ok = check_key(key); !ok)
    return tl::unexpected{std::move(ok.error())};
  operations::increment<bytes_view> op{keyed{key}, delta};
  return owner(op.key.hash).run(op);
}

expected<void> region::clear() {
  for (auto& x : shards_)
    if (auto ok = x->run(operations::clear{}); !ok)
      return ok;
  return {};
}

// -- loading -----------------------------------------------------------------------

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
  auto& where = owner(which.hash);
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
  promise<bytes> result;
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
  auto& where = owner(which.hash);
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
  auto& where = owner(which.hash);
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
  auto& where = owner(which.hash);
  if (where.state() != shard_state::running)
    return false;
  auto holds = where.run(
    [&](memory::store& store) { return store.holds_load(which, id); });
  return holds && !*holds;
}

// -- updating ----------------------------------------------------------------------

expected<std::optional<bytes>> region::update(bytes_view key,
                                              const bytes_updater& f,
                                              const write_options& how) {
  if (auto ok = check_key(key).and_then([&] { return check(how); }); !ok)
    return tl::unexpected{std::move(ok.error())};
  keyed<bytes_view> which{key};
  auto& where = owner(which.hash);
  for (std::uint32_t race = 0; race < defaults::update_races; ++race) {
    std::optional<bytes> present;
    auto version = no_version;
    where.store().read(which, [&](const entry_view& x) {
      present.emplace(x.value);
      version = x.version;
    });
    auto next = apply(f, present ? std::optional<bytes_view>{*present}
                                 : std::nullopt);
    if (!next)
      return next;
    if (!*next) {
      auto erased = where.run(
        operations::compare_and_erase<bytes_view>{which, version});
      if (!erased)
        return tl::unexpected{std::move(erased.error())};
      if (*erased)
        return next;
      continue;
    }
    if (auto ok = check_loaded(**next, how); !ok)
      return tl::unexpected{std::move(ok.error())};
    auto stored = where.run(
      operations::compare_and_set<bytes_view>{which, version, **next, how});
    if (!stored)
      return tl::unexpected{std::move(stored.error())};
    if (*stored)
      return next;
  }
  return update_under_lease(which, f, how);
}

/// The way that always gets there: one update at a time per key, and nothing in
/// between but blind writes, which count as later.
expected<std::optional<bytes>>
region::update_under_lease(const memory::hashed_key& key,
                           const bytes_updater& f, const write_options& how) {
  keyed<bytes_view> which{key.key, key.hash};
  auto& where = owner(which.hash);
  // A lease is lost only by holding it for longer than `op_timeout`.
  for (std::uint32_t attempt = 0; attempt < defaults::update_races; ++attempt) {
    auto token = next_token();
    auto began
      = where.run(operations::begin_update<bytes_view>{which, token});
    if (!began)
      return tl::unexpected{std::move(began.error())};
    auto& present = began->value;
    auto next = apply(f, present ? std::optional<bytes_view>{*present}
                                 : std::nullopt);
    auto ok = !next    ? expected<void>{tl::unexpect, next.error()}
              : !*next ? expected<void>{}
                       : check_loaded(**next, how);
    if (!ok) {
      auto gave_back = where.run([&](memory::store& store) {
        return store.abandon_update(which, token);
      });
      // A shard that cannot take the lease back has none any more.
      static_cast<void>(gave_back);
      return tl::unexpected{std::move(ok.error())};
    }
    auto committed = where.run([&](memory::store& store) {
      auto value = *next ? std::optional<bytes_view>{**next} : std::nullopt;
      return store.commit_update(which, token, value, how);
    });
    if (!committed)
      return tl::unexpected{std::move(committed.error())};
    if (*committed != memory::update_outcome::lost)
      return next;
  }
  return fail(errc::timeout,
              "the update function took longer than "
                + std::to_string(options_.op_timeout.count())
                + " ms while others wanted the key; make it faster or raise "
                  "op_timeout");
}

void region::update_then(
  bytes key, bytes_updater f, write_options how,
  std::function<void(expected<std::optional<bytes>>)> done) {
  // Answers also when the job is dropped because the runtime drains.
  struct pending {
    std::function<void(expected<std::optional<bytes>>)> done;

    void answer(expected<std::optional<bytes>> result) {
      if (auto f = std::exchange(done, nullptr))
        f(std::move(result));
    }

    ~pending() {
      answer(fail(errc::shutting_down, "the runtime drains"));
    }
  };
  auto state = std::make_shared<pending>();
  state->done = std::move(done);
  auto posted = loads_->workers().post(
    [self = shared_from_this(), state, key = std::move(key), f = std::move(f),
     how] { state->answer(self->update(key, f, how)); });
  if (!posted)
    state->answer(tl::unexpected{std::move(posted.error())});
}

std::future<expected<std::optional<bytes>>>
region::update_async(bytes key, bytes_updater f, write_options how) {
  promise<std::optional<bytes>> result;
  auto future = result.future();
  update_then(std::move(key), std::move(f), how, result);
  return future;
}

// -- writing without waiting -------------------------------------------------------

std::future<expected<bool>> region::set_async(bytes key, bytes value,
                                              write_options how) {
  if (auto ok = check_write(key, value, how); !ok)
    return ready<bool>(tl::unexpected{std::move(ok.error())});
  return submit_async<bool>(
    operations::set<bytes>{keyed{std::move(key)}, std::move(value), how});
}

std::future<expected<bool>>
region::set_if_absent_async(bytes key, bytes value, write_options how) {
  how.condition = write_condition::if_absent;
  return set_async(std::move(key), std::move(value), how);
}

std::future<expected<bool>> region::erase_async(bytes key) {
  if (auto ok = check_key(key); !ok)
    return ready<bool>(tl::unexpected{std::move(ok.error())});
  return submit_async<bool>(operations::erase<bytes>{keyed{std::move(key)}});
}

std::future<expected<bool>> region::touch_async(bytes key, ttl_duration ttl) {
  if (auto ok = check_key(key).and_then([&] { return check_ttl(ttl); }); !ok)
    return ready<bool>(tl::unexpected{std::move(ok.error())});
  return submit_async<bool>(
    operations::touch<bytes>{keyed{std::move(key)}, ttl});
}

std::future<expected<std::int64_t>>
region::increment_async(bytes key, std::int64_t delta) {
  if (auto ok = check_key(key); !ok)
    return ready<std::int64_t>(tl::unexpected{std::move(ok.error())});
  return submit_async<std::int64_t>(
    operations::increment<bytes>{keyed{std::move(key)}, delta});
}

std::future<expected<void>> region::clear_async() {
  // Ready when the last shard has cleared; holds the first error, if any.
  struct gathering {
    explicit gathering(std::size_t n) : left(n) {
      // nop
    }
    std::mutex mutex;
    std::size_t left;
    expected<void> outcome;
    promise<void> result;
  };
  auto all = std::make_shared<gathering>(shards_.size());
  auto future = all->result.future();
  for (auto& x : shards_)
    x->submit(operations::clear{},
              [self = shared_from_this(), all](expected<void> cleared) {
                std::unique_lock guard{all->mutex};
                if (!cleared && all->outcome)
                  all->outcome = std::move(cleared);
                if (--all->left > 0)
                  return;
                guard.unlock();
                all->result(std::move(all->outcome));
              });
  return future;
}

/// Submits a keyed operation to its shard.
template <class T, class Operation>
std::future<expected<T>> region::submit_async(Operation op) {
  promise<T> result;
  auto future = result.future();
  auto& where = owner(op.key.hash);
  where.submit(std::move(op), [self = shared_from_this(),
                               result](expected<T> outcome) {
    result(std::move(outcome));
  });
  return future;
}

// -- the parts ---------------------------------------------------------------------

std::size_t region::size() const noexcept {
  std::size_t result = 0;
  for (auto& x : shards_)
    result += x->store().entries().size();
  return result;
}

region_stats region::stats() const noexcept {
  region_stats result;
  for (auto& x : shards_) {
    auto& entries = x->store().entries();
    result.keys += entries.size();
    result.bytes += entries.bytes();
    result.retired += entries.retired_bytes();
    result.handled += x->mailbox().handled();
    result.mailbox_depth += x->mailbox().depth();
    result.restarts += x->restarts();
  }
  return result;
}

void region::sweep() noexcept {
  for (auto& x : shards_)
    x->sweep();
}

void region::stop() noexcept {
  for (auto& x : shards_)
    x->stop();
}

} // namespace troupe
