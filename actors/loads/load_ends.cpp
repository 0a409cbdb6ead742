// The part of the coordinator that ends loads.

#include <troupe/actors/loads/load_coordinator.hpp>

#include <algorithm>
#include <utility>
#include <vector>

#include <troupe/actors/loads/detail/load_rules.hpp>

namespace troupe {

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
                                     const run_pointer& run, run_result result,
                                     const stale_pointer& stale) {
  if (result.threw) {
    auto answer = failure(*x, result.value.error(), stale);
    fail_over(x, run, result.value.error());
    return answer;
  }
  if (!claim(*x, run)) {
    // Invariant 2: it outlived its lease, or the load was ended.
    std::lock_guard guard{x->mutex};
    if (x->refused)
      return failure(*x, *x->refused, stale);
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
  return abandon(x, result.value.error(), stale);
}

/// Passes the value to the provider, which stores it if the lease still holds.
load_answer load_coordinator::commit(const load_pointer& x, run_result result) {
  const auto& value = *result.value;
  if (!result.store) {
    give_back(*x);
    load_end end{.answer = {std::move(result.value)}};
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
  load_end end{.answer = {std::move(result.value), load_origin::loaded,
                          stale_reason::none, fenced},
               .killed = !outcome || outcome->killed};
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
  std::vector<waiter_pointer> busy;
  {
    std::lock_guard guard{x->mutex};
    if (x->now != load_in_flight::phase::running || x->run != run)
      return false;
    if (run->which().loader >= x->where->options().load_attempts) {
      x->now = load_in_flight::phase::settling;
    } else if (const auto i = std::ranges::find_if(
                 x->waiters, [](const auto& w) { return w->accepts(); });
               i == x->waiters.end()) {
      x->now = load_in_flight::phase::settling;
      busy.swap(x->waiters);
      x->where->gauge().waiters.fetch_sub(busy.size());
    } else {
      next = std::move(*i);
      x->waiters.erase(i);
      x->where->gauge().waiters.fetch_sub(1);
      fresh = std::make_shared<load_run>(
        load_run::place{run->attempt() + 1, run->which().loader + 1, 0}, never,
        time_.now() + *x->where->options().queue_timeout);
      x->run = fresh;
      last = std::exchange(x->owner, next->runs_itself() ? nullptr : next);
      if (std::exchange(x->owner_is, load_in_flight::interest::waits)
          != load_in_flight::interest::waits)
        last = nullptr;
    }
  }
  run->stop();
  if (next == nullptr) {
    static_cast<void>(abandon(x, why, nullptr));
    for (const auto& waiter : busy)
      waiter->ask_again(*x);
    return true;
  }
  for (auto& name : next->how.tags.names())
    x->named->add(name);
  if (last != nullptr)
    last->answer(failure(*x, why, last->stale));
  if (next->runs_itself())
    next->take(x, fresh);
  else
    post(x, fresh);
  return true;
}

/// The answer of a failed load for a caller: its stale value, if the region serves it, or
/// the error.
load_answer load_coordinator::failure(load_in_flight& x, const error& why,
                                      const stale_pointer& stale) {
  if (may_hide(why)
      && is_servable(stale.get(), x.where->options(), x.where->entry_time()))
    return {std::optional<bytes>{stale->value}, load_origin::stale,
            why == errc::circuit_open ? stale_reason::circuit_open
                                      : stale_reason::load_failed};
  return {tl::unexpected{why}};
}

/// Returns the lease and then answers with the stale values or the error. The load is
/// settling. Returns the answer of the caller with this stale value.
load_answer load_coordinator::abandon(const load_pointer& x, const error& why,
                                      const stale_pointer& stale) {
  const auto run = x->present_run();
  run->stop();
  run->withdraw();
  count_end(*x, why);
  std::optional<time_point> next;
  if (speaks_of_source(why)
      && failure(*x, why, x->stale).origin == load_origin::stale)
    next = x->where->entry_time() + x->where->options().fail_safe_throttle;
  auto answer = failure(*x, why, stale);
  x->where->release_load(
    x->key, x->id, next,
    // A failed shard has voided the lease.
    [self = shared_from_this(), x, why](const expected<void>&) {
      load_end end{.answer = {tl::unexpected{why}}, .failed = why};
      self->settle(*x, end);
    });
  return answer;
}

/// Returns the lease of a load whose result is not stored.
void load_coordinator::give_back(load_in_flight& x) {
  x.where->release_load(x.key, x.id, std::nullopt,
                        [](const expected<void>&) {});
}

/// Counts the end of a load, once: in the figures, the region's limit and its breaker.
/// Before its callers are answered, so that they find all in order. `why`: empty when it
/// brought a value.
void load_coordinator::count_end(load_in_flight& x,
                                 const std::optional<error>& why) {
  {
    std::lock_guard guard{x.mutex};
    if (!std::exchange(x.admitted, false))
      return;
  }
  if (why)
    counted_.failed.add(1);
  x.where->gauge().loads.fetch_sub(1);
  auto* const breaker = x.where->breaker();
  if (breaker == nullptr)
    return;
  if (!why)
    breaker->succeeded();
  else if (speaks_of_source(*why))
    breaker->failed(time_.now());
  else
    breaker->unknown();
}

/// Answers all callers.
void load_coordinator::settle(load_in_flight& x, load_end& end) {
  auto callers = x.end();
  if (!callers)
    return; // A drain was faster.
  const auto again = end.again || callers->deserted;
  if (callers->run != nullptr)
    counted_.duration.record(time_.now() - x.started);
  count_end(x, end.failed);
  auto answer = [&](load_waiter& to) {
    if (end.failed)
      to.answer(failure(x, *end.failed, to.stale));
    else
      to.answer(end.answer);
  };
  if (callers->owner != nullptr)
    answer(*callers->owner);
  if (!callers->waiters.empty()) {
    const auto origin = end.answer.origin;
    if (origin == load_origin::loaded)
      end.answer.origin = load_origin::joined;
    for (auto& waiter : callers->waiters)
      // There was an invalidation before this waiter asked. It is not known which one,
      // and it does not matter: another load is always correct.
      if (again || (end.killed && waiter->since > x.born))
        waiter->ask_again(x);
      else
        answer(*waiter);
    end.answer.origin = origin;
  }
  forget(x.id);
}

/// Ends a load that a drain cannot wait for.
void load_coordinator::shut(load_in_flight& x) {
  const error why{errc::shutting_down,
                  "the runtime drained before the loader finished"};
  const auto callers = x.end(why);
  if (!callers)
    return;
  count_end(x, why);
  if (callers->run != nullptr) {
    callers->run->stop();
    callers->run->withdraw();
  }
  const load_answer answer{tl::unexpected{why}};
  if (callers->owner != nullptr)
    callers->owner->answer(answer);
  for (const auto& waiter : callers->waiters)
    waiter->answer(answer);
  forget(x.id);
}

} // namespace troupe
