#include <troupe/actors/loads/load_coordinator.hpp>

#include <new>
#include <variant>

#include <troupe/actors/loads/detail/load_callers.hpp>
#include <troupe/actors/loads/detail/load_rules.hpp>
#include <troupe/actors/loads/load_graph.hpp>

namespace troupe {

/// The answer of a decision that needs no load.
load_answer load_coordinator::answer_of(load_decision decision) {
  if (auto* hit = std::get_if<load_hit>(&decision))
    return {std::optional<bytes>{std::move(hit->value)}, load_origin::hit};
  if (auto* stale = std::get_if<load_stale>(&decision))
    return {std::optional<bytes>{std::move(stale->entry.value)},
            load_origin::stale, stale_reason::throttled};
  return {std::optional<bytes>{}, load_origin::hit};
}

// -- the coordinator ---------------------------------------------------------------

load_coordinator::load_coordinator(const clock& time, std::size_t threads,
                                   std::size_t queue_limit)
  : time_(time), workers_(threads, queue_limit) {
  // nop
}

load_coordinator::~load_coordinator() = default;

expected<load_coordinator::load_pointer>
load_coordinator::open(const std::shared_ptr<load_target>& where,
                       const hashed_key& key, const tags& known) {
  auto x = std::make_shared<load_in_flight>(next_id(), where, key, known,
                                            time_.now());
  if (!loads_.add(x))
    return tl::unexpected{drained_error()};
  return x;
}

/// Removes the load from the loads in flight. Its callers are answered.
void load_coordinator::forget(load_id id) {
  if (loads_.remove(id) && draining_.load(std::memory_order_seq_cst)) {
    // The lock orders this after the check of a drain that is about to wait.
    std::lock_guard guard{drain_mutex_};
    drained_.notify_all();
  }
}

namespace {

/// Whether the calling thread may be one that other loads wait for.
bool must_not_wait_for_pool() noexcept {
  return running_load::present() != nullptr || worker_pool::runs_here();
}

} // namespace

/// Where the loader of a blocking call runs.
load_on load_coordinator::place_of(const region_options& options, bool deferred,
                                   const load_terms& terms) noexcept {
  if (deferred)
    return load_on::pool;
  // The pool could run out of threads that wait for each other: from inside a loader,
  // an update function or a removal listener, the loader runs where it is.
  if (must_not_wait_for_pool())
    return load_on::caller;
  if (terms.on)
    return *terms.on;
  return limits_waits(options) ? load_on::pool : options.load_on;
}

/// Tells a caller which stale value it may be served, and when. `asked`: when its call
/// began.
void load_coordinator::offer(load_waiter& to, const load_target& where,
                             std::optional<stale_entry> stale,
                             time_point asked) {
  const auto& options = where.options();
  if (stale)
    to.stale = std::make_shared<const stale_entry>(std::move(*stale));
  if (options.hard_timeout > options.hard_timeout.zero())
    to.hard_until = asked + options.hard_timeout;
  if (to.stale != nullptr && options.soft_timeout > options.soft_timeout.zero())
    to.soft_until = asked + options.soft_timeout;
}

load_answer
load_coordinator::get(const std::shared_ptr<load_target>& where,
                      const hashed_key& key, const load_function& loader,
                      const write_options& how, const load_terms& terms) {
  const auto& options = where->options();
  const auto place = place_of(options, loader.is_deferred(), terms);
  if (terms.stop.stop_requested())
    return {tl::unexpected{no_longer_wanted()}};
  const auto asked = limits_waits(options) ? time_.now() : time_point{};
  for (;;)
    if (auto answer = ask(where, key, loader, how, place, terms.stop, asked))
      return std::move(*answer);
}

/// Gets the lease of the key and loads, or joins the load that has it.
std::optional<load_answer>
load_coordinator::ask(const std::shared_ptr<load_target>& where,
                      const hashed_key& key, const load_function& loader,
                      const write_options& how, load_on place,
                      const std::stop_token& stop, time_point asked) {
  auto opened = open(where, key, how.tags);
  if (!opened)
    return load_answer{tl::unexpected{std::move(opened.error())}};
  const auto& x = *opened;
  std::optional<load_answer> present;
  std::shared_ptr<blocked_caller> caller;
  load_pointer joined;
  std::optional<load_granted> lease;
  auto answered = where->acquire_load_now(
    key, x->id, load_purpose::missing, x->named, [&](load_decision decision) {
      if (auto* other = std::get_if<load_joined>(&decision)) {
        caller = std::make_shared<blocked_caller>(loader, how, place);
        caller->since = other->since;
        offer(*caller, *where, std::move(other->stale), asked);
        joined = join(other->id, where, key, caller);
      } else if (auto* granted = std::get_if<load_granted>(&decision)) {
        lease = std::move(*granted);
      } else {
        present = answer_of(std::move(decision));
      }
      return true;
    });
  if (!answered || present || caller != nullptr) {
    forget(x->id);
    if (!answered)
      return load_answer{tl::unexpected{std::move(answered.error())}};
    return present ? present : await_joined(caller, joined, place, stop);
  }
  if (place == load_on::pool) {
    caller = std::make_shared<blocked_caller>(loader, how, place);
    offer(*caller, *where, lease->stale, asked);
  }
  const auto run = begin(*x, std::move(*lease), caller);
  if (run && *run == nullptr)
    return load_answer{tl::unexpected{drained_error()}};
  if (!run) {
    auto answer = abandon(x, run.error(), x->stale);
    return caller == nullptr ? std::move(answer) : await(caller, x, stop);
  }
  if (place == load_on::caller)
    return run_inside(x, *run, loader.direct(), how, x->stale, stop);
  if (!must_not_wait_for_pool()) {
    post(x, *run);
    return await(caller, x, stop);
  }
  // This thread may be the last one of the pool: it starts the deferred loader.
  load_edge edge;
  // Closes no circle: no load waits through a new one.
  static_cast<void>(edge.add(x));
  run_owned(weak_from_this(), x, *run);
  return await(caller, x, stop);
}

void load_coordinator::get_then(const std::shared_ptr<load_target>& where,
                                carried_key key, load_function loader,
                                write_options how, const load_terms& terms,
                                std::function<void(const load_answer&)> done) {
  if (terms.stop.stop_requested())
    return done({tl::unexpected{no_longer_wanted()}});
  const auto asked = time_.now();
  auto opened = open(where, key, how.tags);
  if (!opened)
    return done({tl::unexpected{std::move(opened.error())}});
  auto caller
    = std::make_shared<later_caller>(shared_from_this(), std::move(loader),
                                     std::move(how), terms, std::move(done));
  // Returns whether it needs the lease that it was granted.
  auto decided
    = [this, x = *opened, caller, asked](expected<load_decision>& decision) {
        if (decision && std::holds_alternative<load_granted>(*decision)) {
          auto granted = std::get<load_granted>(std::move(*decision));
          offer(*caller, *x->where, granted.stale, asked);
          const auto run = begin(*x, std::move(granted), caller);
          if (run && *run == nullptr) {
            caller->answer({tl::unexpected{drained_error()}});
            return false;
          }
          if (!run)
            static_cast<void>(abandon(x, run.error(), nullptr));
          else
            post(x, *run);
          later_caller::leave_when_stopped(caller, x);
          return true;
        }
        if (!decision) {
          caller->answer({tl::unexpected{std::move(decision.error())}});
        } else if (auto* other = std::get_if<load_joined>(&*decision)) {
          caller->since = other->since;
          offer(*caller, *x->where, std::move(other->stale), asked);
          if (const auto joined = join(other->id, x->where, x->key, caller))
            later_caller::leave_when_stopped(caller, joined);
        } else {
          caller->answer(answer_of(std::move(*decision)));
        }
        forget(x->id);
        return true;
      };
  where->acquire_load(std::move(key), (*opened)->id, load_purpose::missing,
                      (*opened)->named,
                      [self = shared_from_this(), decided, caller,
                       id = (*opened)->id](expected<load_decision> decision) {
                        try {
                          return decided(decision);
                        } catch (const std::bad_alloc&) {
                          self->forget(id);
                          caller->answer({fail(errc::out_of_memory)});
                          return false;
                        }
                      });
}

void load_coordinator::refresh(const std::shared_ptr<load_target>& where,
                               carried_key key, load_function loader,
                               write_options how) {
  auto opened = open(where, key, how.tags);
  if (!opened)
    return;
  auto caller = std::make_shared<later_caller>(
    shared_from_this(), std::move(loader), std::move(how), load_terms{},
    [](const load_answer&) {});
  where->acquire_load(
    std::move(key), (*opened)->id, load_purpose::refresh, (*opened)->named,
    [self = shared_from_this(), x = *opened,
     caller](expected<load_decision> decision) {
      if (decision && std::holds_alternative<load_granted>(*decision)) {
        const auto run = self->begin(
          *x, std::get<load_granted>(std::move(*decision)), caller);
        if (!run)
          static_cast<void>(self->abandon(x, run.error(), nullptr));
        else if (*run != nullptr)
          self->post(x, *run);
        if (!run || *run != nullptr)
          return true;
      }
      // The value was replaced meanwhile, or another load replaces it.
      self->forget(x->id);
      return false;
    });
}

} // namespace troupe
