// The part of the coordinator that runs loaders and ends loads.

#include <troupe/actors/loads/load_coordinator.hpp>

#include <algorithm>
#include <exception>
#include <system_error>

#include <troupe/actors/loads/load_graph.hpp>

namespace troupe {

// -- running -----------------------------------------------------------------------

/// The load got its lease. Returns its first run; nullptr when a drain has ended it:
/// its lease is given back.
load_coordinator::run_pointer load_coordinator::begin(load_in_flight& x,
                                                      load_granted granted,
                                                      waiter_pointer owner) {
  auto run = std::make_shared<load_run>(
    1, time_.now() + *x.where->options().queue_timeout);
  {
    std::lock_guard guard{x.mutex};
    if (x.now == load_in_flight::phase::asking) {
      x.now = load_in_flight::phase::running;
      x.born = granted.born;
      if (granted.stale)
        x.stale
          = std::make_shared<const stale_entry>(std::move(*granted.stale));
      x.run = run;
      x.owner = std::move(owner);
      return run;
    }
  }
  give_back(x);
  return nullptr;
}

/// Runs the owner's loader on a thread of the pool.
void load_coordinator::post(const load_pointer& x, const run_pointer& run) {
  auto posted = workers_.post([by = weak_from_this(), which = std::weak_ptr{x},
                               run] { run_owned(by, which, run); });
  if (!posted && claim(*x, run))
    static_cast<void>(abandon(x, posted.error()));
}

/// What a loader of this run is told.
load_context load_coordinator::context_of(const load_in_flight& x,
                                          const load_run& run) {
  load_context result{x.key.key(), run.attempt(),
                      run.deadline().value_or(never), run.stop_token(),
                      x.named};
  // Set before the run was made.
  result.offer_stale(x.stale);
  return result;
}

namespace {

/// A loader is the user's code: its exceptions end here. Returns whether it threw.
bool call(const bytes_loader& loader, load_context& context,
          expected<std::optional<bytes>>& value) {
  try {
    value = loader(context);
    return false;
  } catch (const std::exception& failure) {
    value = fail(errc::load_failed, failure.what());
  } catch (...) {
    // Not swallowed: it becomes the result; the exception has no text.
    value = fail(errc::load_failed,
                 "the loader threw something that is no std::exception");
  }
  return true;
}

/// The loader may say that the stale value is still right.
void keep_unchanged(const load_context& context,
                    expected<std::optional<bytes>>& value) {
  if (value && context.is_unchanged())
    value = std::optional<bytes>{bytes{*context.stale_value()}};
}

/// What the loader has chosen for its value.
write_options chosen(const load_context& context, write_options how) {
  if (context.ttl())
    how.ttl = context.ttl();
  if (context.idle())
    how.idle = context.idle();
  how.tags.add(context.tags());
  return how;
}

} // namespace

/// The result of a run whose loader returned `value`.
load_coordinator::run_result
load_coordinator::result_of(const load_context& context,
                            expected<std::optional<bytes>> value, bool threw,
                            write_options how) {
  keep_unchanged(context, value);
  return {std::move(value), threw, context.stores(),
          chosen(context, std::move(how))};
}

/// Runs the owner's loader on this thread, unless another thread has begun it. A loader
/// may outlive the runtime: meanwhile the thread holds neither coordinator nor region.
void load_coordinator::run_owned(const std::weak_ptr<load_coordinator>& by,
                                 const std::weak_ptr<load_in_flight>& which,
                                 const run_pointer& run) {
  waiter_pointer owner;
  std::optional<load_context> context;
  {
    const auto self = by.lock();
    const auto x = which.lock();
    if (self == nullptr || x == nullptr)
      return;
    {
      std::lock_guard guard{x->mutex};
      if (x->run == run)
        owner = x->owner;
    }
    if (owner != nullptr && owner->run_all())
      return;
    const auto timeout = *x->where->options().load_timeout;
    if (owner == nullptr || !run->begin(self->time_.now() + timeout))
      return;
    context.emplace(context_of(*x, *run));
  }
  auto loader = std::move(owner->loader);
  auto how = owner->how;
  owner = nullptr;
  expected<std::optional<bytes>> value;
  auto threw = false;
  {
    const running_load here{which, run};
    threw = call(loader, *context, value);
  }
  auto result = result_of(*context, std::move(value), threw, std::move(how));
  // Destroy what the loader captured before any waiter gets the result.
  loader = nullptr;
  const auto self = by.lock();
  const auto x = which.lock();
  if (self != nullptr && x != nullptr)
    static_cast<void>(self->finish(x, run, std::move(result)));
}

/// Runs the loader of the calling thread, which gets the answer.
load_answer load_coordinator::run_here(const load_pointer& x,
                                       const run_pointer& run,
                                       const bytes_loader& loader,
                                       const write_options& how) {
  if (!run->begin(time_.now() + *x->where->options().load_timeout)) {
    std::lock_guard guard{x->mutex};
    return {tl::unexpected{x->refused.value_or(drained_error())}};
  }
  auto context = context_of(*x, *run);
  expected<std::optional<bytes>> value;
  auto threw = false;
  {
    const running_load here{x, run};
    threw = call(loader, context, value);
  }
  return finish(x, run, result_of(context, std::move(value), threw, how));
}

/// The same for a thread that may run another load already.
load_answer load_coordinator::run_inside(const load_pointer& x,
                                         const run_pointer& run,
                                         const bytes_loader& loader,
                                         const write_options& how) {
  if (running_load::present() == nullptr) [[likely]]
    return run_here(x, run, loader, how);
  load_edge edge;
  auto possible = edge.add(x);
  load_answer result{tl::unexpected{error{errc::overloaded}}};
  if (possible) {
    try {
      run_with_stack([&] { result = run_here(x, run, loader, how); });
      return result;
    } catch (const std::system_error& failure) {
      possible = fail(errc::overloaded,
                      std::string{"loads that load are too deep for the stack, "
                                  "and no thread could be started: "}
                        + failure.what());
    }
  }
  fail_over(x, run, possible.error());
  return {tl::unexpected{std::move(possible.error())}};
}

// -- ending ------------------------------------------------------------------------

/// Whether `run` is the present run of a load that is running: the calling thread then
/// decides how the load ends (invariant 1).
bool load_coordinator::claim(load_in_flight& x, const run_pointer& run) {
  std::lock_guard guard{x.mutex};
  if (x.now != load_in_flight::phase::running || x.run != run)
    return false;
  x.now = load_in_flight::phase::settling;
  return true;
}

/// The loader returned. The result is the answer of its caller, if that is the calling
/// thread; the owner is answered with the waiters.
load_answer load_coordinator::finish(const load_pointer& x,
                                     const run_pointer& run,
                                     run_result result) {
  if (result.threw) {
    auto answer = failure(*x, result.value.error());
    fail_over(x, run, result.value.error());
    return answer;
  }
  if (!claim(*x, run)) {
    // Invariant 2: it outlived its lease, or the load was ended.
    std::lock_guard guard{x->mutex};
    if (x->refused)
      return {tl::unexpected{*x->refused}};
    return {std::move(result.value), load_origin::loaded, stale_reason::none,
            true};
  }
  if (result.value) {
    const auto& value = *result.value;
    if (auto ok
        = x->where->check_loaded(value ? *value : bytes_view{}, result.how);
        !ok)
      result.value = tl::unexpected{std::move(ok.error())};
  }
  if (result.value)
    return commit(x, std::move(result));
  return abandon(x, result.value.error());
}

/// Passes the value to the provider, which stores it if the lease still holds.
load_answer load_coordinator::commit(const load_pointer& x, run_result result) {
  const auto& value = *result.value;
  if (!result.store) {
    give_back(*x);
    load_end end{{std::move(result.value)}};
    settle(*x, end);
    return std::move(end.answer);
  }
  const auto outcome = x->where->commit_load_now(
    x->key, {.id = x->id,
             .born = x->born,
             .value = value ? std::optional<bytes_view>{*value} : std::nullopt,
             .how = &result.how,
             .absence_ttl = x->where->options().absence_ttl});
  // Stored, refused, or the shard is down: the value was loaded, and the waiters get
  // it. After an error it may be older than an invalidation.
  const auto fenced = !outcome || (value && !outcome->stored);
  load_end end{
    {std::move(result.value), load_origin::loaded, stale_reason::none, fenced},
    !outcome || outcome->killed};
  settle(*x, end);
  return std::move(end.answer);
}

/// The run failed: its caller gets the error, and the next waiter's loader runs, if
/// there is one and the load has attempts left.
bool load_coordinator::fail_over(const load_pointer& x, const run_pointer& run,
                                 const error& why) {
  waiter_pointer next;
  waiter_pointer last;
  run_pointer fresh;
  // Waiters whose loaders cannot run now.
  std::deque<waiter_pointer> busy;
  {
    std::lock_guard guard{x->mutex};
    if (x->now != load_in_flight::phase::running || x->run != run)
      return false;
    if (run->attempt() >= x->where->options().load_attempts) {
      x->now = load_in_flight::phase::settling;
    } else if (const auto i = std::ranges::find_if(
                 x->waiters, [](const auto& w) { return w->accepts(); });
               i == x->waiters.end()) {
      x->now = load_in_flight::phase::settling;
      busy.swap(x->waiters);
    } else {
      next = std::move(*i);
      x->waiters.erase(i);
      fresh = std::make_shared<load_run>(
        run->attempt() + 1, time_.now() + *x->where->options().queue_timeout);
      x->run = fresh;
      last = std::exchange(x->owner, next->runs_itself() ? nullptr : next);
    }
  }
  run->stop();
  if (next == nullptr) {
    static_cast<void>(abandon(x, why));
    for (auto& waiter : busy)
      waiter->ask_again(*x);
    return true;
  }
  for (auto& name : next->how.tags.names())
    x->named->add(name);
  if (last != nullptr)
    last->answer(failure(*x, why));
  if (next->runs_itself())
    next->take(x, fresh);
  else
    post(x, fresh);
  return true;
}

/// The answer of a failed load: the stale value, if the region serves it, or the error.
load_answer load_coordinator::failure(load_in_flight& x, const error& why) {
  const auto& options = x.where->options();
  // These say nothing of the source of the value.
  const auto spoils = why == errc::load_cancelled || why == errc::shutting_down
                      || why == errc::load_cycle;
  if (!spoils && x.stale != nullptr
      && x.where->entry_time() < x.stale->fresh_until + options.fail_safe)
    return {std::optional<bytes>{x.stale->value}, load_origin::stale,
            stale_reason::load_failed};
  return {tl::unexpected{why}};
}

/// Returns the lease and then answers with the stale value or the error. The load is
/// settling. Returns that answer.
load_answer load_coordinator::abandon(const load_pointer& x, const error& why) {
  const auto run = x->present_run();
  run->stop();
  run->withdraw();
  auto answer = failure(*x, why);
  std::optional<time_point> next;
  if (answer.origin == load_origin::stale)
    next = x->where->entry_time() + x->where->options().fail_safe_throttle;
  x->where->release_load(
    x->key, x->id, next,
    // A failed shard has voided the lease.
    [self = shared_from_this(), x, answer](const expected<void>&) {
      load_end end{answer};
      self->settle(*x, end);
    });
  return answer;
}

/// Returns the lease of a load whose result is not stored.
void load_coordinator::give_back(load_in_flight& x) {
  x.where->release_load(x.key, x.id, std::nullopt,
                        [](const expected<void>&) {});
}

/// Answers all callers.
void load_coordinator::settle(load_in_flight& x, load_end& end) {
  waiter_pointer owner;
  std::deque<waiter_pointer> waiters;
  {
    std::lock_guard guard{x.mutex};
    if (x.now == load_in_flight::phase::ended)
      return; // A drain was faster.
    x.now = load_in_flight::phase::ended;
    owner = std::move(x.owner);
    waiters = std::move(x.waiters);
  }
  counted_.duration.record(time_.now() - x.started);
  if (!end.answer.value || end.answer.why_stale == stale_reason::load_failed)
    counted_.failed.add(1);
  if (owner != nullptr)
    owner->answer(end.answer);
  if (!waiters.empty()) {
    const auto origin = end.answer.origin;
    if (origin == load_origin::loaded)
      end.answer.origin = load_origin::joined;
    for (auto& waiter : waiters)
      // There was an invalidation before this waiter asked. It is not known which one,
      // and it does not matter: another load is always correct.
      if (end.killed && waiter->since > x.born)
        waiter->ask_again(x);
      else
        waiter->answer(end.answer);
    end.answer.origin = origin;
  }
  forget(x.id);
}

} // namespace troupe
