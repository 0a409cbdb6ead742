// The part of the coordinator for the console and the clockwork.

#include <troupe/actors/loads/load_coordinator.hpp>

#include <algorithm>

#include <troupe/actors/loads/detail/load_rules.hpp>
#include <troupe/actors/loads/detail/load_texts.hpp>
#include <troupe/messages/types/text/printable.hpp>

namespace troupe {

void load_coordinator::tick() {
  if (in_flight() == 0)
    return;
  const auto now = time_.now();
  for (const auto& x : loads_.all())
    look_at_deadlines(x, now);
}

/// Does what is due: begins retries, replaces loaders whose time is over, and answers
/// callers that wait no longer.
void load_coordinator::look_at_deadlines(const load_pointer& x,
                                         time_point now) {
  const auto& options = x->where->options();
  if (limits_waits(options))
    answer_late(*x, now);
  run_pointer run;
  auto owned = false;
  auto foreign = false;
  {
    std::lock_guard guard{x->mutex};
    run = x->run;
    owned = x->owner != nullptr;
    foreign = x->now == load_in_flight::phase::foreign;
  }
  // The client has stored the value, given its lease up, lost it, or was too late.
  if (foreign && x->where->fenced(x->key, x->id)) {
    load_end end{.answer = {}, .again = true};
    settle(*x, end);
  }
  if (run == nullptr)
    return;
  // A caller that runs its loader itself wakes.
  if (run->release(now) && owned)
    return post(x, run);
  if (const auto deadline = run->deadline()) {
    if (*deadline <= now)
      fail_over(x, run,
                {errc::load_timeout, "the loader did not finish within "
                                       + seconds(*options.load_timeout)});
    return;
  }
  if (run->queued_until() <= now && run->withdraw() && claim(*x, run))
    static_cast<void>(abandon(
      x,
      {errc::overloaded, "no loader thread was free within "
                           + seconds(*options.queue_timeout)
                           + "; raise loader-threads, or queue_timeout"},
      nullptr));
}

std::pair<std::vector<load_view>, std::size_t>
load_coordinator::list(std::size_t limit) {
  auto all = loads_.all();
  std::erase_if(all, [](const load_pointer& x) {
    std::lock_guard guard{x->mutex};
    return x->run == nullptr || x->now == load_in_flight::phase::ended;
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
      static_cast<void>(abandon(x, *x->refused, nullptr));
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
