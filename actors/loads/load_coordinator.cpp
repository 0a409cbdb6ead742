#include <troupe/actors/loads/load_coordinator.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <new>
#include <variant>

#include <troupe/actors/loads/load_callers.hpp>
#include <troupe/actors/loads/load_graph.hpp>
#include <troupe/messages/types/text/printable.hpp>

namespace troupe {

namespace {

using std::chrono::nanoseconds;

std::string seconds(nanoseconds x) {
  std::array<char, 32> text;
  auto n = std::snprintf(text.data(), text.size(), "%.1f s",
                         std::chrono::duration<double>{x}.count());
  return {text.data(), static_cast<std::size_t>(std::max(n, 0))};
}

} // namespace

/// The answer of a decision that needs no load.
load_answer load_coordinator::answer_of(load_decision decision) {
  if (auto* hit = std::get_if<load_hit>(&decision))
    return {std::optional<bytes>{std::move(hit->value)}, load_origin::hit};
  if (auto* stale = std::get_if<load_stale>(&decision))
    return {std::optional<bytes>{std::move(stale->entry.value)},
            load_origin::stale, stale_reason::throttled};
  return {std::optional<bytes>{}, load_origin::hit};
}

void later_caller::ask_again(load_in_flight& joined) {
  try {
    by_->get_then(joined.where, joined.key, loader, how, done_);
  } catch (const std::bad_alloc&) {
    done_({fail(errc::out_of_memory)});
  }
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

load_answer
load_coordinator::get(const std::shared_ptr<load_target>& where,
                      const hashed_key& key, const bytes_loader& loader,
                      const write_options& how, const load_terms& terms) {
  // From inside a loader, the pool could run out of threads that wait for each other.
  const auto place = running_load::present() != nullptr
                       ? load_on::caller
                       : terms.on.value_or(where->options().load_on);
  for (;;)
    if (auto answer = ask(where, key, loader, how, place))
      return std::move(*answer);
}

/// Gets the lease of the key and loads, or joins the load that has it.
std::optional<load_answer>
load_coordinator::ask(const std::shared_ptr<load_target>& where,
                      const hashed_key& key, const bytes_loader& loader,
                      const write_options& how, load_on place) {
  auto opened = open(where, key, how.tags);
  if (!opened)
    return load_answer{tl::unexpected{std::move(opened.error())}};
  const auto& x = *opened;
  std::optional<load_answer> present;
  std::shared_ptr<blocked_caller> caller;
  load_pointer joined;
  std::optional<load_granted> lease;
  auto asked = where->acquire_load_now(
    key, x->id, load_purpose::missing, x->named, [&](load_decision decision) {
      if (auto* other = std::get_if<load_joined>(&decision)) {
        caller = std::make_shared<blocked_caller>(loader, how, place);
        caller->since = other->since;
        joined = join(other->id, caller);
      } else if (auto* granted = std::get_if<load_granted>(&decision)) {
        lease = std::move(*granted);
      } else {
        present = answer_of(std::move(decision));
      }
      return true;
    });
  if (!asked || present || caller != nullptr) {
    forget(x->id);
    if (!asked)
      return load_answer{tl::unexpected{std::move(asked.error())}};
    return present ? present : await_joined(caller, joined, place);
  }
  if (place == load_on::pool)
    caller = std::make_shared<blocked_caller>(loader, how, place);
  const auto run = begin(*x, std::move(*lease), caller);
  if (run == nullptr)
    return load_answer{tl::unexpected{drained_error()}};
  if (place == load_on::caller)
    return run_inside(x, run, loader, how);
  post(x, run);
  return await(*caller);
}

void load_coordinator::get_then(const std::shared_ptr<load_target>& where,
                                carried_key key, bytes_loader loader,
                                write_options how,
                                std::function<void(const load_answer&)> done) {
  auto opened = open(where, key, how.tags);
  if (!opened)
    return done({tl::unexpected{std::move(opened.error())}});
  auto caller = std::make_shared<later_caller>(
    shared_from_this(), std::move(loader), std::move(how), std::move(done));
  // Returns whether it needs the lease that it was granted.
  auto decided
    = [this, x = *opened, caller](expected<load_decision>& decision) {
        if (decision && std::holds_alternative<load_granted>(*decision)) {
          const auto run
            = begin(*x, std::get<load_granted>(std::move(*decision)), caller);
          if (run == nullptr) {
            caller->answer({tl::unexpected{drained_error()}});
            return false;
          }
          post(x, run);
          return true;
        }
        if (!decision) {
          caller->answer({tl::unexpected{std::move(decision.error())}});
        } else if (auto* other = std::get_if<load_joined>(&*decision)) {
          caller->since = other->since;
          join(other->id, caller);
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
                               carried_key key, bytes_loader loader,
                               write_options how) {
  auto opened = open(where, key, how.tags);
  if (!opened)
    return;
  auto caller
    = std::make_shared<later_caller>(shared_from_this(), std::move(loader),
                                     std::move(how), [](const load_answer&) {});
  where->acquire_load(
    std::move(key), (*opened)->id, load_purpose::refresh, (*opened)->named,
    [self = shared_from_this(), x = *opened,
     caller](expected<load_decision> decision) {
      if (decision && std::holds_alternative<load_granted>(*decision))
        if (const auto run = self->begin(
              *x, std::get<load_granted>(std::move(*decision)), caller)) {
          self->post(x, run);
          return true;
        }
      // The value was replaced meanwhile, or another load replaces it.
      self->forget(x->id);
      return false;
    });
}

// -- joining -----------------------------------------------------------------------

/// Makes the waiter wait for a load that the provider let it join. Returns the load, or
/// nullptr when the waiter was answered.
load_coordinator::load_pointer
load_coordinator::join(load_id id, const waiter_pointer& waiter) {
  if (auto x = loads_.find(id)) {
    std::lock_guard guard{x->mutex};
    if (x->now != load_in_flight::phase::ended) {
      x->waiters.push_back(waiter);
      return x;
    }
  }
  // The provider reports a join before the lease ends: only a drain was faster, or the
  // lease is a client's.
  waiter->answer({loads_.closed()
                    ? tl::unexpected{drained_error()}
                    : fail(errc::overloaded, "a client loads the key")});
  return nullptr;
}

/// Ends the wait of a waiter; false when it was answered or takes the load.
bool load_coordinator::leave(load_in_flight& x, const load_waiter& waiter) {
  std::lock_guard guard{x.mutex};
  const auto i = std::ranges::find(x.waiters, &waiter,
                                   [](const auto& w) { return w.get(); });
  if (i == x.waiters.end())
    return false;
  x.waiters.erase(i);
  return true;
}

std::optional<load_answer>
load_coordinator::await_joined(const std::shared_ptr<blocked_caller>& caller,
                               const load_pointer& joined, load_on place) {
  load_edge edge;
  if (joined != nullptr && place == load_on::caller) {
    if (auto ok = edge.add(joined); !ok && leave(*joined, *caller))
      return load_answer{tl::unexpected{std::move(ok.error())}};
    // A load that waits for a thread has one now.
    if (const auto run = joined->present_run(); run != nullptr && run->queued())
      run_owned(weak_from_this(), joined, run);
  }
  return await(*caller);
}

std::optional<load_answer> load_coordinator::await(blocked_caller& caller) {
  for (;;) {
    // Normally the runtime's clockwork checks the deadlines. The check here ensures
    // that no caller hangs while the clockwork is being restarted, or without one.
    switch (caller.wait(defaults::load_timeout)) {
      case blocked_caller::state::waiting:
        tick();
        break;
      case blocked_caller::state::answered:
        return std::move(caller.answer());
      case blocked_caller::state::again:
        return std::nullopt;
      case blocked_caller::state::invited:
        return run_inside(caller.taken(), caller.run(), caller.loader,
                          caller.how);
    }
  }
}

// -- the console and the clockwork -------------------------------------------------

void load_coordinator::tick() {
  if (in_flight() == 0)
    return;
  const auto now = time_.now();
  for (const auto& x : loads_.all())
    look_at_deadline(x, now);
}

void load_coordinator::look_at_deadline(const load_pointer& x, time_point now) {
  const auto run = x->present_run();
  if (run == nullptr)
    return;
  const auto& options = x->where->options();
  if (const auto deadline = run->deadline()) {
    if (*deadline <= now)
      fail_over(x, run,
                {errc::load_timeout, "the loader did not finish within "
                                       + seconds(*options.load_timeout)});
    return;
  }
  if (run->queued_until() <= now && run->withdraw() && claim(*x, run))
    static_cast<void>(abandon(
      x, {errc::overloaded, "no loader thread was free within "
                              + seconds(*options.queue_timeout)
                              + "; raise loader-threads, or queue_timeout"}));
}

std::pair<std::vector<load_view>, std::size_t>
load_coordinator::list(std::size_t limit) {
  auto all = loads_.all();
  std::erase_if(all, [](const load_pointer& x) {
    std::lock_guard guard{x->mutex};
    return x->now == load_in_flight::phase::asking
           || x->now == load_in_flight::phase::ended;
  });
  std::ranges::sort(all, {}, [](const load_pointer& x) { return x->id; });
  const auto total = all.size();
  all.resize(std::min(total, limit));
  std::vector<load_view> result;
  const auto now = time_.now();
  for (const auto& x : all) {
    std::unique_lock guard{x->mutex};
    const auto until = x->run->deadline().value_or(x->run->queued_until());
    result.push_back({x->id, x->where->name(), x->key.key(), now - x->started,
                      until - now, x->run->attempt(), x->waiters.size() + 1,
                      false});
    guard.unlock();
    // Only the provider knows whether a lease still holds.
    result.back().fenced = x->where->fenced(x->key, x->id);
  }
  return {std::move(result), total};
}

expected<void> load_coordinator::cancel(load_id id) {
  if (auto x = loads_.find(id)) {
    std::unique_lock guard{x->mutex};
    if (x->now == load_in_flight::phase::running) {
      x->now = load_in_flight::phase::settling;
      x->refused = {errc::load_cancelled, "the load was cancelled"};
      guard.unlock();
      static_cast<void>(abandon(x, *x->refused));
      return {};
    }
  }
  return fail(errc::unknown_load,
              "no load " + std::to_string(id) + " is in flight");
}

std::vector<std::string>
load_coordinator::drain(std::chrono::steady_clock::time_point deadline) {
  loads_.close();
  draining_.store(true, std::memory_order_seq_cst);
  {
    std::unique_lock guard{drain_mutex_};
    drained_.wait_until(guard, deadline, [this] { return in_flight() == 0; });
  }
  std::vector<std::string> stuck;
  for (const auto& x : loads_.all()) {
    stuck.push_back(describe(*x));
    shut(*x);
  }
  std::ranges::sort(stuck);
  auto running = workers_.stop(deadline);
  if (running > stuck.size())
    stuck.push_back(std::to_string(running - stuck.size())
                    + " loader thread(s) that nobody waits for any more");
  return stuck;
}

/// Ends a load that a drain cannot wait for.
void load_coordinator::shut(load_in_flight& x) {
  waiter_pointer owner;
  std::deque<waiter_pointer> waiters;
  run_pointer run;
  const error why{errc::shutting_down,
                  "the runtime drained before the loader finished"};
  {
    std::lock_guard guard{x.mutex};
    if (x.now == load_in_flight::phase::ended)
      return;
    x.now = load_in_flight::phase::ended;
    x.refused = why;
    owner = std::move(x.owner);
    waiters = std::move(x.waiters);
    run = x.run;
  }
  if (run != nullptr) {
    run->stop();
    run->withdraw();
  }
  const load_answer answer{tl::unexpected{why}};
  if (owner != nullptr)
    owner->answer(answer);
  for (auto& waiter : waiters)
    waiter->answer(answer);
  forget(x.id);
}

std::string load_coordinator::describe(load_in_flight& x) const {
  std::lock_guard guard{x.mutex};
  const auto callers = x.waiters.size() + 1;
  // A key may have 2 MiB of any bytes, and this line is printed.
  return "load " + x.where->name() + "/" + printable(x.key.key()) + " (attempt "
         + std::to_string(x.run == nullptr ? 1 : x.run->attempt()) + ", "
         + seconds(time_.now() - x.started) + ", " + std::to_string(callers)
         + (callers == 1 ? " waiter)" : " waiters)");
}

} // namespace troupe
