// The part of the coordinator that runs loaders.

#include <troupe/actors/loads/load_coordinator.hpp>

#include <algorithm>
#include <atomic>
#include <random>
#include <system_error>
#include <utility>

#include <troupe/actors/loads/detail/guarded_call.hpp>
#include <troupe/actors/loads/detail/load_rules.hpp>
#include <troupe/actors/loads/detail/load_texts.hpp>
#include <troupe/actors/loads/load_graph.hpp>

namespace troupe {

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

/// The loader may say that the stale value is still right.
void keep_unchanged(const load_context& context,
                    expected<std::optional<bytes>>& value) {
  if (value && context.is_unchanged())
    value = std::optional<bytes>{bytes{*context.stale_value()}};
}

/// The pause before this run: see `region_options::retry_backoff`.
std::chrono::nanoseconds pause_before(const load_run::place& which, load_id id,
                                      const region_options& options) {
  std::chrono::nanoseconds most = options.retry_backoff;
  const std::chrono::nanoseconds longest
    = std::max(options.retry_backoff, defaults::longest_retry_backoff);
  for (std::uint32_t i = 1; i < which.retry && most < longest; ++i)
    most *= 2;
  most = std::min(most, longest);
  std::minstd_rand random{
    static_cast<std::uint32_t>(id * 7919 + which.attempt)};
  return std::chrono::nanoseconds{std::uniform_int_distribution<std::int64_t>{
    most.count() / 2, most.count()}(random)};
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

/// Whether the region's limit and its breaker let a further load run.
expected<void> load_coordinator::admit(load_in_flight& x) {
  auto& loads = x.where->gauge().loads;
  const auto most = x.where->options().max_loads;
  if (loads.fetch_add(1) >= most) {
    loads.fetch_sub(1);
    return fail(errc::overloaded, std::to_string(most) + " loads of the region "
                                    + x.where->name()
                                    + " are in flight (max_loads)");
  }
  auto* const breaker = x.where->breaker();
  if (breaker == nullptr || breaker->allow(time_.now()))
    return {};
  loads.fetch_sub(1);
  const auto view = breaker->view(time_.now());
  return fail(errc::circuit_open, "the circuit breaker " + view.name + " is "
                                    + std::string{to_string(view.state)}
                                    + " after " + std::to_string(view.failures)
                                    + " failed loads; it lets one through in "
                                    + seconds(view.remaining));
}

/// The load got its lease. Returns its first run; nullptr when a drain has ended it: its
/// lease is given back. After an error the caller has to abandon the load.
expected<load_coordinator::run_pointer>
load_coordinator::begin(load_in_flight& x, load_granted granted,
                        waiter_pointer owner) {
  using phase = load_in_flight::phase;
  auto admitted = admit(x);
  auto run = std::make_shared<load_run>(
    load_run::place{}, never, time_.now() + *x.where->options().queue_timeout);
  {
    std::lock_guard guard{x.mutex};
    x.admitted = admitted.has_value();
    if (x.now == phase::asking) {
      x.now = admitted ? phase::running : phase::settling;
      x.born = granted.born;
      if (granted.stale)
        x.stale
          = std::make_shared<const stale_entry>(std::move(*granted.stale));
      x.run = run;
      x.owner = std::move(owner);
      if (!admitted)
        return tl::unexpected{std::move(admitted.error())};
      return run;
    }
  }
  count_end(x, drained_error());
  give_back(x);
  return run_pointer{};
}

/// Runs the owner's loader on a thread of the pool.
void load_coordinator::post(const load_pointer& x, const run_pointer& run) {
  auto posted = workers_.post([by = weak_from_this(), which = std::weak_ptr{x},
                               run] { run_owned(by, which, run); });
  if (!posted && claim(*x, run))
    static_cast<void>(abandon(x, posted.error(), nullptr));
}

/// The next run of the loader that has failed; nullptr when there is none.
load_coordinator::run_pointer load_coordinator::retry(load_in_flight& x,
                                                      const run_pointer& run,
                                                      const error& why) {
  const auto& options = x.where->options();
  auto which = run->which();
  if (which.retry >= options.load_retries || !speaks_of_source(why))
    return nullptr;
  ++which.attempt;
  ++which.retry;
  const auto from = time_.now() + pause_before(which, x.id, options);
  auto fresh
    = std::make_shared<load_run>(which, from, from + *options.queue_timeout);
  std::lock_guard guard{x.mutex};
  if (x.now != load_in_flight::phase::running || x.run != run)
    return nullptr;
  x.run = fresh;
  return fresh;
}

// -- on the pool -------------------------------------------------------------------

/// Runs the owner's loader on this thread, unless another thread has begun it. A loader
/// may outlive the runtime: meanwhile the thread holds neither coordinator nor region.
void load_coordinator::run_owned(const std::weak_ptr<load_coordinator>& by,
                                 const std::weak_ptr<load_in_flight>& which,
                                 const run_pointer& run) {
  waiter_pointer owner;
  std::shared_ptr<load_context> context;
  std::optional<load_function> loader;
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
    const auto& options = x->where->options();
    if (owner == nullptr
        || !run->begin(self->time_.now() + *options.load_timeout))
      return;
    context = std::make_shared<load_context>(context_of(*x, *run));
    if (run->which().retry < options.load_retries)
      loader.emplace(owner->loader);
    else
      loader.emplace(std::move(owner->loader));
  }
  auto ended = [by, which, run, context, how = owner->how](
                 expected<std::optional<bytes>> value, bool threw) {
    const auto self = by.lock();
    const auto x = which.lock();
    if (self != nullptr && x != nullptr)
      self->conclude(x, run, result_of(*context, std::move(value), threw, how));
  };
  owner = nullptr;
  expected<std::optional<bytes>> value;
  auto threw = false;
  if (loader->is_deferred()) {
    auto once = std::make_shared<std::atomic<bool>>(false);
    auto done = [ended, once](expected<std::optional<bytes>> result) {
      if (!once->exchange(true))
        ended(std::move(result), false);
    };
    threw = guarded(value, [&] { loader->deferred()(context, done); });
    loader.reset();
    if (threw && !once->exchange(true))
      ended(std::move(value), true);
    return;
  }
  {
    const running_load here{which, run};
    threw = guarded(value, [&] { value = loader->direct()(*context); });
  }
  // Destroy what the loader captured before any waiter gets the result.
  loader.reset();
  ended(std::move(value), threw);
}

/// The owner's loader returned, on any thread.
void load_coordinator::conclude(const load_pointer& x, const run_pointer& run,
                                run_result result) {
  // The clockwork begins the next run.
  if (!result.value && retry(*x, run, result.value.error()) != nullptr)
    return;
  std::optional<load_function> unused;
  {
    std::lock_guard guard{x->mutex};
    if (x->run == run && x->owner != nullptr)
      unused = std::exchange(x->owner->loader, load_function{bytes_loader{}});
  }
  unused.reset();
  static_cast<void>(finish(x, run, std::move(result), nullptr));
}

// -- on the caller's thread --------------------------------------------------------

/// Runs the loader of the calling thread, which gets the answer.
load_answer load_coordinator::run_here(const load_pointer& x, run_pointer run,
                                       const bytes_loader& loader,
                                       const write_options& how,
                                       const stale_pointer& stale,
                                       const std::stop_token& stop) {
  for (;;) {
    run->await_release(time_);
    if (!run->begin(time_.now() + *x->where->options().load_timeout)) {
      std::lock_guard guard{x->mutex};
      return failure(*x, x->refused.value_or(drained_error()), stale);
    }
    auto context = context_of(*x, *run);
    expected<std::optional<bytes>> value;
    auto threw = false;
    {
      const running_load here{x, run};
      const std::stop_callback leaves{stop, [&] { desert(x, *run); }};
      if (run->stop_token().stop_requested())
        value = fail(errc::load_cancelled); // Nobody wants it.
      else
        threw = guarded(value, [&] { value = loader(context); });
    }
    auto result = result_of(context, std::move(value), threw, how);
    if (!result.value)
      if (auto next = retry(*x, run, result.value.error())) {
        run = std::move(next);
        continue;
      }
    return finish(x, run, std::move(result), stale);
  }
}

/// The same for a thread that may run another load already.
load_answer load_coordinator::run_inside(const load_pointer& x,
                                         const run_pointer& run,
                                         const bytes_loader& loader,
                                         const write_options& how,
                                         const stale_pointer& stale,
                                         const std::stop_token& stop) {
  if (running_load::present() == nullptr) [[likely]]
    return run_here(x, run, loader, how, stale, stop);
  load_edge edge;
  auto possible = edge.add(x);
  load_answer result{tl::unexpected{error{errc::overloaded}}};
  if (possible) {
    try {
      run_with_stack(
        [&] { result = run_here(x, run, loader, how, stale, stop); });
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

} // namespace troupe
