// The part of the coordinator for callers that wait: they join, are answered late, take a
// load over, or leave.

#include <troupe/actors/loads/load_coordinator.hpp>

#include <algorithm>
#include <new>
#include <utility>

#include <troupe/actors/loads/detail/load_callers.hpp>
#include <troupe/actors/loads/detail/load_rules.hpp>
#include <troupe/actors/loads/detail/load_texts.hpp>
#include <troupe/actors/loads/load_graph.hpp>

namespace troupe {

void later_caller::ask_again(load_in_flight& joined) {
  try {
    by_->get_then(joined.where, joined.key, loader, how, terms_, done_);
  } catch (const std::bad_alloc&) {
    done_({fail(errc::out_of_memory)});
  }
}

void later_caller::leave_when_stopped(
  const std::shared_ptr<later_caller>& self,
  const std::shared_ptr<load_in_flight>& from) {
  if (!self->terms_.stop.stop_possible())
    return;
  self->stopped_.emplace(self->terms_.stop,
                         [by = std::weak_ptr{self->by_},
                          from = std::weak_ptr{from}, which = self.get()] {
                           // This function may be destroyed while it runs, with the caller.
                           const auto coordinator = by.lock();
                           const auto x = from.lock();
                           if (coordinator != nullptr && x != nullptr)
                             coordinator->leave(x, *which);
                         });
}

// -- joining -----------------------------------------------------------------------

/// Makes the waiter wait for a load that the provider let it join. Returns the load, or
/// nullptr when the waiter was answered.
load_coordinator::load_pointer
load_coordinator::join(load_id id, const std::shared_ptr<load_target>& where,
                       const hashed_key& key, const waiter_pointer& waiter) {
  if (auto x = find_or_adopt(id, where, key)) {
    auto& waiting = where->gauge().waiters;
    const auto most = where->options().max_load_waiters;
    std::unique_lock guard{x->mutex};
    if (x->now != load_in_flight::phase::ended) {
      if (waiting.fetch_add(1) < most) {
        x->waiters.push_back(waiter);
        return x;
      }
      waiting.fetch_sub(1);
      guard.unlock();
      waiter->answer(
        {fail(errc::overloaded, std::to_string(most)
                                  + " callers wait for loads of the region "
                                  + where->name() + " (max_load_waiters)")});
      return nullptr;
    }
  }
  // The provider reports a join before the lease ends: only a drain was faster.
  waiter->answer({tl::unexpected{drained_error()}});
  return nullptr;
}

/// The load with this lease, or nullptr. Without one, a client of the server has the
/// lease: its waiters are kept by an object that the clockwork looks after.
load_coordinator::load_pointer
load_coordinator::find_or_adopt(load_id id,
                                const std::shared_ptr<load_target>& where,
                                const hashed_key& key) {
  auto present = loads_.find(id);
  if (present != nullptr || loads_.closed())
    return present;
  auto fresh
    = std::make_shared<load_in_flight>(id, where, key, tags{}, time_.now());
  fresh->now = load_in_flight::phase::foreign;
  return loads_.find_or_add(std::move(fresh));
}

std::optional<load_answer>
load_coordinator::await_joined(const std::shared_ptr<blocked_caller>& caller,
                               const load_pointer& joined, load_on place,
                               const std::stop_token& stop) {
  load_edge edge;
  if (joined != nullptr && running_load::present() != nullptr) {
    if (auto ok = edge.add(joined); !ok) {
      if (joined->remove(*caller) != nullptr)
        return load_answer{tl::unexpected{std::move(ok.error())}};
    }
  }
  // A load that waits for a thread has one now.
  if (joined != nullptr && place == load_on::caller)
    if (const auto run = joined->present_run(); run != nullptr && run->queued())
      run_owned(weak_from_this(), joined, run);
  return await(caller, joined, stop);
}

/// Waits for the answer, or runs the caller's loader when it is its turn. `x`: the load,
/// nullptr when the caller is answered already.
std::optional<load_answer>
load_coordinator::await(const std::shared_ptr<blocked_caller>& caller,
                        const load_pointer& x, const std::stop_token& stop) {
  const std::stop_callback leaves{stop, [&] {
                                    if (x != nullptr)
                                      leave(x, *caller);
                                  }};
  const auto due = std::min(caller->soft_until, caller->hard_until);
  for (;;) {
    // Normally the runtime's clockwork checks the deadlines. The check here ensures
    // that no caller hangs while the clockwork is being restarted, or without one, and
    // that a caller is answered in time.
    std::chrono::nanoseconds longest = defaults::load_timeout;
    if (due != never)
      longest = std::clamp<std::chrono::nanoseconds>(
        due - time_.now(), std::chrono::milliseconds{1}, longest);
    switch (caller->wait(longest)) {
      case blocked_caller::state::waiting:
        if (x != nullptr)
          look_at_deadlines(x, time_.now());
        break;
      case blocked_caller::state::answered:
        return std::move(caller->answer());
      case blocked_caller::state::again:
        return std::nullopt;
      case blocked_caller::state::invited:
        return run_inside(caller->taken(), caller->run(),
                          caller->loader.direct(), caller->how, caller->stale,
                          stop);
    }
  }
}

// -- leaving -----------------------------------------------------------------------

/// A caller wants no answer any more. The last one that leaves cancels the load.
void load_coordinator::leave(const load_pointer& x, const load_waiter& waiter) {
  using interest = load_in_flight::interest;
  waiter_pointer gone;
  auto last = false;
  {
    std::lock_guard guard{x->mutex};
    if (x->now == load_in_flight::phase::ended)
      return;
    if (x->owner.get() == &waiter && x->owner_is == interest::waits) {
      gone = x->owner;
      x->owner_is = interest::left;
    } else {
      gone = x->take_out(waiter);
      if (gone == nullptr)
        return;
    }
    last = x->desert_if_unwanted();
  }
  gone->answer({tl::unexpected{no_longer_wanted()}});
  if (last)
    static_cast<void>(abandon(x, no_longer_wanted(), nullptr));
}

/// The same for the caller that runs its loader itself: its loader goes on for the others.
void load_coordinator::desert(const load_pointer& x, const load_run& run) {
  {
    std::lock_guard guard{x->mutex};
    if (x->now != load_in_flight::phase::running || x->run.get() != &run)
      return;
    x->owner_is = load_in_flight::interest::left;
    if (!x->desert_if_unwanted())
      return;
  }
  static_cast<void>(abandon(x, no_longer_wanted(), nullptr));
}

/// Answers the callers whose soft or hard time-out has passed. The load goes on.
void load_coordinator::answer_late(load_in_flight& x, time_point now) {
  const auto& options = x.where->options();
  const auto entry_time = x.where->entry_time();
  auto usable = [&](const load_waiter& w) {
    return is_servable(w.stale.get(), options, entry_time);
  };
  auto late = [&](const load_waiter& w) {
    return w.hard_until <= now || (w.soft_until <= now && usable(w));
  };
  std::vector<waiter_pointer> leaving;
  {
    std::lock_guard guard{x.mutex};
    if (x.now == load_in_flight::phase::ended)
      return;
    std::erase_if(x.waiters, [&](const waiter_pointer& w) {
      if (!late(*w))
        return false;
      leaving.push_back(w);
      return true;
    });
    x.where->gauge().waiters.fetch_sub(leaving.size());
    if (x.owner != nullptr && x.owner_is == load_in_flight::interest::waits
        && late(*x.owner)) {
      leaving.push_back(x.owner);
      x.owner_is = load_in_flight::interest::answered;
    }
    // It was said that the load goes on.
    if (!leaving.empty() && x.owner_is == load_in_flight::interest::left)
      x.owner_is = load_in_flight::interest::answered;
  }
  for (const auto& w : leaving) {
    if (usable(*w))
      w->answer({std::optional<bytes>{w->stale->value}, load_origin::stale,
                 stale_reason::slow});
    else
      w->answer({fail(errc::load_timeout,
                      "no value came within " + seconds(options.hard_timeout)
                        + " (hard_timeout); the load goes on")});
  }
}

} // namespace troupe
