#include <troupe/actors/loads/load_coordinator.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>
#include <variant>

#include <troupe/actors/loads/load_graph.hpp>
#include <troupe/backends/core/futex.hpp>
#include <troupe/messages/types/text/printable.hpp>

namespace troupe {

namespace {

using std::chrono::nanoseconds;
using phase = load_in_flight::phase;

std::string seconds(nanoseconds x) {
  std::array<char, 32> text;
  auto n = std::snprintf(text.data(), text.size(), "%.1f s",
                         std::chrono::duration<double>{x}.count());
  return {text.data(), static_cast<std::size_t>(std::max(n, 0))};
}

error drained() {
  return {errc::shutting_down, "the runtime drains"};
}

std::shared_ptr<load_run> present_run(load_in_flight& x) {
  std::lock_guard guard{x.mutex};
  return x.run;
}

/// What a loader of this run is told.
load_context context_of(const load_in_flight& x, const load_run& run) {
  return {x.key.key(), run.attempt(), run.deadline().value_or(never),
          run.stop_token(), x.named};
}

} // namespace

// -- callers -----------------------------------------------------------------------

/// A thread that waits for a load. Its functions other than `wait` are called at most
/// once in all.
class load_coordinator::blocked_caller final : public load_waiter {
public:
  blocked_caller(const bytes_loader& own_loader, const write_options& own_how,
                 load_on place)
    : load_waiter(own_loader, own_how), runs_itself_(place == load_on::caller) {
    // nop
  }

  void answer(const load_answer& what) override {
    answer_ = what;
    wake(state::answered);
  }

  void ask_again(load_in_flight&) override {
    wake(state::again);
  }

  [[nodiscard]] bool runs_itself() const noexcept override {
    return runs_itself_;
  }

  void take(const load_pointer& x, const run_pointer& run) override {
    taken_ = x;
    run_ = run;
    wake(state::invited);
  }

  enum class state : std::uint32_t { waiting, answered, again, invited };

  /// Waits for one of the other functions; `waiting` when that takes longer.
  [[nodiscard]] state wait(nanoseconds longest) const {
    constexpr auto none = static_cast<std::uint32_t>(state::waiting);
    const auto until = std::chrono::steady_clock::now() + longest;
    for (;;) {
      if (const auto now = word_.load(std::memory_order_acquire); now != none)
        return static_cast<state>(now);
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= nanoseconds::zero())
        return state::waiting;
      futex_wait(word_, none, left);
    }
  }

  [[nodiscard]] load_answer& answer() noexcept {
    return answer_;
  }

  [[nodiscard]] const load_pointer& taken() const noexcept {
    return taken_;
  }

  [[nodiscard]] const run_pointer& run() const noexcept {
    return run_;
  }

private:
  void wake(state to) noexcept {
    word_.store(static_cast<std::uint32_t>(to), std::memory_order_release);
    futex_wake_one(&word_);
  }

  const bool runs_itself_;
  futex_word word_{0};
  load_answer answer_;
  load_pointer taken_;
  run_pointer run_;
};

/// A caller that does not wait.
class load_coordinator::later_caller final : public load_waiter {
public:
  later_caller(std::shared_ptr<load_coordinator> by, bytes_loader own_loader,
               write_options own_how,
               std::function<void(const load_answer&)> done)
    : load_waiter(std::move(own_loader), std::move(own_how)),
      by_(std::move(by)),
      done_(std::move(done)) {
    // nop
  }

  void answer(const load_answer& what) override {
    done_(what);
  }

  void ask_again(load_in_flight& joined) override {
    try {
      by_->get_then(joined.where, joined.key, loader, how, done_);
    } catch (const std::bad_alloc&) {
      done_({fail(errc::out_of_memory)});
    }
  }

private:
  const std::shared_ptr<load_coordinator> by_;
  const std::function<void(const load_answer&)> done_;
};

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
    return tl::unexpected{drained()};
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
  std::uint64_t born = 0;
  auto asked = where->acquire_load_now(
    key, x->id, x->named, [&](load_decision decision) {
      if (auto* hit = std::get_if<load_hit>(&decision)) {
        present = load_answer{std::optional<bytes>{std::move(hit->value)},
                              load_origin::hit};
      } else if (auto* other = std::get_if<load_joined>(&decision)) {
        caller = std::make_shared<blocked_caller>(loader, how, place);
        caller->since = other->since;
        joined = join(other->id, caller);
      } else {
        born = std::get<load_granted>(decision).born;
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
  const auto run = begin(*x, born, caller);
  if (run == nullptr)
    return load_answer{tl::unexpected{drained()}};
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
            = begin(*x, std::get<load_granted>(*decision).born, caller);
          if (run == nullptr) {
            caller->answer({tl::unexpected{drained()}});
            return false;
          }
          post(x, run);
          return true;
        }
        if (!decision) {
          caller->answer({tl::unexpected{std::move(decision.error())}});
        } else if (auto* hit = std::get_if<load_hit>(&*decision)) {
          caller->answer(
            {std::optional<bytes>{std::move(hit->value)}, load_origin::hit});
        } else {
          const auto& other = std::get<load_joined>(*decision);
          caller->since = other.since;
          join(other.id, caller);
        }
        forget(x->id);
        return true;
      };
  where->acquire_load(std::move(key), (*opened)->id, (*opened)->named,
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

// -- joining -----------------------------------------------------------------------

/// Makes the waiter wait for a load that the provider let it join. Returns the load, or
/// nullptr when the waiter was answered.
load_coordinator::load_pointer
load_coordinator::join(load_id id, const waiter_pointer& waiter) {
  if (auto x = loads_.find(id)) {
    std::lock_guard guard{x->mutex};
    if (x->now != phase::ended) {
      x->waiters.push_back(waiter);
      return x;
    }
  }
  // The provider reports a join before the lease ends: only a drain was faster.
  waiter->answer({tl::unexpected{drained()}});
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
    if (const auto run = present_run(*joined); run != nullptr && run->queued())
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

// -- running -----------------------------------------------------------------------

/// The load got its lease. Returns its first run; nullptr when a drain has ended it:
/// its lease is given back.
load_coordinator::run_pointer load_coordinator::begin(load_in_flight& x,
                                                      std::uint64_t born,
                                                      waiter_pointer owner) {
  auto run = std::make_shared<load_run>(
    1, time_.now() + *x.where->options().queue_timeout);
  {
    std::lock_guard guard{x.mutex};
    if (x.now == phase::asking) {
      x.now = phase::running;
      x.born = born;
      x.run = run;
      x.owner = std::move(owner);
      return run;
    }
  }
  x.where->release_load(x.key, x.id, [](const expected<void>&) {});
  return nullptr;
}

/// Runs the owner's loader on a thread of the pool.
void load_coordinator::post(const load_pointer& x, const run_pointer& run) {
  auto posted = workers_.post([by = weak_from_this(), which = std::weak_ptr{x},
                               run] { run_owned(by, which, run); });
  if (!posted && claim(*x, run))
    abandon(x, posted.error());
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
    const auto timeout = *x->where->options().load_timeout;
    if (owner == nullptr || !run->begin(self->time_.now() + timeout))
      return;
    context.emplace(context_of(*x, *run));
  }
  auto loader = std::move(owner->loader);
  auto how = owner->how;
  owner = nullptr;
  run_result result{fail(errc::load_failed), false, {}};
  {
    const running_load here{which, run};
    result.threw = call(loader, *context, result.value);
  }
  result.how = chosen(*context, std::move(how));
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
    return {tl::unexpected{x->refused.value_or(drained())}};
  }
  auto context = context_of(*x, *run);
  run_result result{fail(errc::load_failed), false, {}};
  {
    const running_load here{x, run};
    result.threw = call(loader, context, result.value);
  }
  result.how = chosen(context, how);
  return finish(x, run, std::move(result));
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
  if (x.now != phase::running || x.run != run)
    return false;
  x.now = phase::settling;
  return true;
}

/// The loader returned. The result is the answer of its caller, if that is the calling
/// thread; the owner is answered with the waiters.
load_answer load_coordinator::finish(const load_pointer& x,
                                     const run_pointer& run,
                                     run_result result) {
  if (result.threw) {
    fail_over(x, run, result.value.error());
    return {std::move(result.value)};
  }
  if (!claim(*x, run)) {
    // Invariant 2: it outlived its lease, or the load was ended.
    std::lock_guard guard{x->mutex};
    if (x->refused)
      return {tl::unexpected{*x->refused}};
    return {std::move(result.value), load_origin::loaded, true};
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
  abandon(x, result.value.error());
  return {std::move(result.value)};
}

/// Passes the value to the provider, which stores it if the lease still holds.
load_answer load_coordinator::commit(const load_pointer& x, run_result result) {
  const auto& value = *result.value;
  const auto outcome = x->where->commit_load_now(
    x->key, x->id, x->born,
    value ? std::optional<bytes_view>{*value} : std::nullopt, result.how);
  // Stored, refused, or the shard is down: the value was loaded, and the waiters get
  // it. After an error it may be older than an invalidation.
  const auto fenced = !outcome || (value && !outcome->stored);
  load_end end{{std::move(result.value), load_origin::loaded, fenced},
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
  {
    std::lock_guard guard{x->mutex};
    if (x->now != phase::running || x->run != run)
      return false;
    if (x->waiters.empty()
        || run->attempt() >= x->where->options().load_attempts) {
      x->now = phase::settling;
    } else {
      next = std::move(x->waiters.front());
      x->waiters.pop_front();
      fresh = std::make_shared<load_run>(
        run->attempt() + 1, time_.now() + *x->where->options().queue_timeout);
      x->run = fresh;
      last = std::exchange(x->owner, next->runs_itself() ? nullptr : next);
    }
  }
  run->stop();
  if (next == nullptr) {
    abandon(x, why);
    return true;
  }
  for (auto& name : next->how.tags.names())
    x->named->add(name);
  if (last != nullptr)
    last->answer({tl::unexpected{why}});
  if (next->runs_itself())
    next->take(x, fresh);
  else
    post(x, fresh);
  return true;
}

/// Returns the lease and then answers with an error. The load is settling.
void load_coordinator::abandon(const load_pointer& x, const error& why) {
  const auto run = present_run(*x);
  run->stop();
  run->withdraw();
  x->where->release_load(
    x->key, x->id,
    // A failed shard has voided the lease.
    [self = shared_from_this(), x, why](const expected<void>&) {
      load_end end{{tl::unexpected{why}}};
      self->settle(*x, end);
    });
}

/// Answers all callers.
void load_coordinator::settle(load_in_flight& x, load_end& end) {
  waiter_pointer owner;
  std::deque<waiter_pointer> waiters;
  {
    std::lock_guard guard{x.mutex};
    if (x.now == phase::ended)
      return; // A drain was faster.
    x.now = phase::ended;
    owner = std::move(x.owner);
    waiters = std::move(x.waiters);
  }
  counted_.duration.record(time_.now() - x.started);
  if (!end.answer.value)
    counted_.failed.add(1);
  if (owner != nullptr)
    owner->answer(end.answer);
  if (!waiters.empty()) {
    end.answer.origin = load_origin::joined;
    for (auto& waiter : waiters)
      // There was an invalidation before this waiter asked. It is not known which one,
      // and it does not matter: another load is always correct.
      if (end.killed && waiter->since > x.born)
        waiter->ask_again(x);
      else
        waiter->answer(end.answer);
    end.answer.origin = load_origin::loaded;
  }
  forget(x.id);
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
  const auto run = present_run(*x);
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
    abandon(x,
            {errc::overloaded, "no loader thread was free within "
                                 + seconds(*options.queue_timeout)
                                 + "; raise loader-threads, or queue_timeout"});
}

std::pair<std::vector<load_view>, std::size_t>
load_coordinator::list(std::size_t limit) {
  auto all = loads_.all();
  std::erase_if(all, [](const load_pointer& x) {
    std::lock_guard guard{x->mutex};
    return x->now == phase::asking || x->now == phase::ended;
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
    if (x->now == phase::running) {
      x->now = phase::settling;
      x->refused = {errc::load_cancelled, "the load was cancelled"};
      guard.unlock();
      abandon(x, *x->refused);
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
    if (x.now == phase::ended)
      return;
    x.now = phase::ended;
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
