#include <troupe/actors/loads/load_coordinator.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <new>

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

/// The progress of an attempt's job. Thread-safe.
class load_coordinator::run_state {
public:
  /// For the job: it begins now; false when its result is no longer wanted.
  [[nodiscard]] bool begin(time_point deadline) noexcept {
    deadline_.store(deadline, std::memory_order_relaxed);
    auto before = phase::queued;
    return phase_.compare_exchange_strong(before, phase::running,
                                          std::memory_order_acq_rel);
  }

  /// For the coordinator: keeps the job from beginning; false when it has begun.
  bool withdraw() noexcept {
    auto before = phase::queued;
    return phase_.compare_exchange_strong(before, phase::withdrawn,
                                          std::memory_order_acq_rel);
  }

  /// When its time ends; nothing while it waits for a thread.
  [[nodiscard]] std::optional<time_point> deadline() const noexcept {
    if (phase_.load(std::memory_order_acquire) != phase::running)
      return std::nullopt;
    return deadline_.load(std::memory_order_relaxed);
  }

private:
  enum class phase : std::uint8_t { queued, running, withdrawn };

  std::atomic<phase> phase_{phase::queued};
  std::atomic<time_point> deadline_{never};
};

load_coordinator::load_coordinator(const clock& time,
                                   std::shared_ptr<lane_executor> executor,
                                   std::size_t threads, std::size_t queue_limit)
  : time_(time),
    executor_(std::move(executor)),
    workers_(threads, queue_limit),
    mailbox_(*executor_) {
  // nop
}

load_coordinator::~load_coordinator() = default;

/// Runs `f` in the coordinator's turn, now or later.
template <class F>
void load_coordinator::submit(F f) {
  troupe::submit(mailbox_, [self = shared_from_this(),
                            f = std::move(f)]() mutable noexcept { f(); });
}

/// Runs `f` in the coordinator's turn and waits for it.
template <class F>
void load_coordinator::run(F&& f) {
  auto task = [&f]() noexcept { f(); };
  mailbox_.run(task);
}

void load_coordinator::start(load_id id, std::uint64_t born,
                             std::shared_ptr<load_target> where,
                             carried_key key, std::shared_ptr<load_tags> tags,
                             load_waiter first) {
  submit([this, id, born, where = std::move(where), key = std::move(key),
          tags = std::move(tags), first = std::move(first)]() mutable {
    in_flight_.fetch_add(1, std::memory_order_acq_rel);
    auto& x = loads_[id];
    x.id = id;
    x.born = born;
    x.where = std::move(where);
    x.key = std::move(key);
    x.tags = std::move(tags);
    x.started = time_.now();
    x.waiters.push_back(std::move(first));
    if (closed_)
      abandon(x, {errc::shutting_down, "the runtime drains"});
    else
      begin_attempt(x);
  });
}

void load_coordinator::join(load_id id, load_waiter waiter) {
  submit([this, id, waiter = std::move(waiter)]() mutable {
    // The shard settles the load later. Only a drain, or a client's lease, has none.
    if (auto i = loads_.find(id); i != loads_.end())
      i->second.waiters.push_back(std::move(waiter));
    else
      waiter.done(closed_ ? fail(errc::shutting_down, "the runtime drains")
                          : fail(errc::overloaded, "a client loads the key"));
  });
}

/// Runs the loader of the first waiter, with its own deadline that begins when a thread
/// starts it.
void load_coordinator::begin_attempt(load& x) {
  ++x.attempt;
  x.stop = std::stop_source{};
  x.queued_until = time_.now() + *x.where->options().queue_timeout;
  x.run = std::make_shared<run_state>();
  auto& owner = x.waiters.front();
  for (auto& name : owner.how.tags.names())
    x.tags->add(name);
  auto job = [weak = weak_from_this(), id = x.id, attempt = x.attempt,
              run = x.run, loader = owner.loader, how = owner.how,
              key = x.key.key(), tags = x.tags, stop = x.stop.get_token(),
              timeout = *x.where->options().load_timeout]() mutable {
    auto deadline = never;
    {
      auto coordinator = weak.lock();
      if (!coordinator)
        return;
      deadline = coordinator->time_.now() + timeout;
    }
    if (!run->begin(deadline))
      return;
    load_context context{std::move(key), attempt, deadline, std::move(stop),
                         std::move(tags)};
    auto result = run_loader(loader, context, std::move(how));
    // Destroy what the loader captured before any waiter gets the result.
    loader = nullptr;
    if (auto coordinator = weak.lock())
      coordinator->submit([c = coordinator.get(), id, attempt,
                           result = std::move(result)]() mutable {
        c->finished(id, attempt, std::move(result));
      });
  };
  if (auto posted = workers_.post(std::move(job)); !posted)
    abandon(x, std::move(posted.error()));
}

/// A loader is the user's code: its exceptions end here.
load_coordinator::run_result
load_coordinator::run_loader(const bytes_loader& loader, load_context& context,
                             write_options how) {
  run_result result{fail(errc::load_failed), false, std::move(how)};
  try {
    result.value = loader(context);
    if (context.ttl())
      result.how.ttl = context.ttl();
    if (context.idle())
      result.how.idle = context.idle();
    result.how.tags.add(context.tags());
  } catch (const std::exception& failure) {
    result.threw = true;
    result.value = fail(errc::load_failed, failure.what());
  } catch (...) {
    // Not swallowed: it becomes the result; the exception has no text.
    result.threw = true;
    result.value = fail(errc::load_failed,
                        "the loader threw something that is no std::exception");
  }
  return result;
}

void load_coordinator::finished(load_id id, std::uint32_t attempt,
                                run_result result) {
  auto i = loads_.find(id);
  if (i == loads_.end() || i->second.attempt != attempt || i->second.settling)
    return; // Invariant 2: it outlived its lease.
  auto& x = i->second;
  if (result.threw) {
    fail_over(x, result.value.error());
    return;
  }
  if (!result.value) {
    abandon(x, std::move(result.value.error()));
    return;
  }
  const auto& value = *result.value;
  if (auto ok
      = x.where->check_loaded(value ? *value : bytes_view{}, result.how);
      !ok)
    abandon(x, std::move(ok.error()));
  else
    commit(x, std::move(*result.value), result.how);
}

/// The attempt failed: its owner gets the error, and the next waiter's loader runs, if
/// there is one and the load has attempts left.
void load_coordinator::fail_over(load& x, const error& why) {
  x.stop.request_stop();
  if (x.waiters.size() < 2 || x.attempt >= x.where->options().load_attempts) {
    abandon(x, why);
    return;
  }
  auto owner = std::move(x.waiters.front());
  x.waiters.pop_front();
  owner.done(tl::unexpected{why});
  begin_attempt(x);
}

/// Passes the value to the shard, which stores it if the lease still holds.
void load_coordinator::commit(load& x, std::optional<bytes> value,
                              const write_options& how) {
  x.settling = true;
  auto loaded = std::make_shared<const std::optional<bytes>>(std::move(value));
  x.where->commit_load(
    x.key, {x.id, x.born, loaded, how},
    // Stored, refused, or the shard is down: the value was loaded, and the waiters get
    // it. After an error it may be older than an invalidation.
    [self = shared_from_this(), id = x.id,
     loaded](const expected<load_outcome>& outcome) {
      const auto killed = !outcome || outcome->killed;
      self->submit([c = self.get(), id, end = load_end{*loaded, killed}]() {
        c->settled(id, end);
      });
    });
}

/// Returns the lease and then answers with an error.
void load_coordinator::abandon(load& x, error why) {
  x.settling = true;
  x.stop.request_stop();
  if (x.run != nullptr)
    x.run->withdraw();
  x.where->release_load(
    x.key, x.id,
    // A failed shard has voided the lease.
    [self = shared_from_this(), id = x.id,
     why = std::move(why)](const expected<void>&) mutable {
      self->submit([c = self.get(), id,
                    outcome = load_end{tl::unexpected{std::move(why)}}]() {
        c->settled(id, outcome);
      });
    });
}

void load_coordinator::settled(load_id id, const load_end& outcome) {
  auto i = loads_.find(id);
  if (i == loads_.end())
    return; // A drain was faster.
  auto x = std::move(i->second);
  loads_.erase(i);
  answer(x, outcome);
}

/// Answers all waiters and removes the load from the count.
void load_coordinator::answer(load& x, const load_end& outcome) {
  counted_.duration.record(time_.now() - x.started);
  if (!outcome.value)
    counted_.failed.add(1);
  for (auto& waiter : x.waiters) {
    // There was an invalidation before this waiter asked. It is not known which one,
    // and it does not matter: another load is always correct.
    if (outcome.killed && waiter.since > x.born)
      load_again(x, std::move(waiter));
    else
      waiter.done(outcome.value);
  }
  x.waiters.clear();
  if (in_flight_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    // The lock orders this after the check of a drain that is about to wait.
    std::lock_guard guard{drain_mutex_};
    drained_.notify_all();
  }
}

void load_coordinator::load_again(const load& x, load_waiter waiter) {
  auto done = waiter.done;
  try {
    x.where->load_again(x.key, std::move(waiter.loader), std::move(waiter.how),
                        std::move(waiter.done));
  } catch (const std::bad_alloc&) {
    done(fail(errc::out_of_memory));
  }
}

void load_coordinator::tick() {
  if (in_flight() == 0)
    return;
  submit([this] {
    auto now = time_.now();
    for (auto& [id, x] : loads_)
      if (!x.settling)
        look_at_deadline(x, now);
  });
}

void load_coordinator::look_at_deadline(load& x, time_point now) {
  if (const auto deadline = x.run->deadline()) {
    if (*deadline <= now)
      fail_over(
        x, {errc::load_timeout, "the loader did not finish within "
                                  + seconds(*x.where->options().load_timeout)});
    return;
  }
  if (x.queued_until <= now && x.run->withdraw())
    abandon(x,
            {errc::overloaded, "no loader thread was free within "
                                 + seconds(*x.where->options().queue_timeout)
                                 + "; raise loader-threads, or queue_timeout"});
}

std::pair<std::vector<load_view>, std::size_t>
load_coordinator::list(std::size_t limit) {
  std::vector<load_view> result;
  std::vector<std::pair<std::shared_ptr<load_target>, carried_key>> asked;
  std::size_t total = 0;
  run([&] {
    total = loads_.size();
    std::vector<const load*> oldest;
    oldest.reserve(total);
    for (auto& [id, x] : loads_)
      oldest.push_back(&x);
    std::sort(oldest.begin(), oldest.end(),
              [](auto* a, auto* b) { return a->id < b->id; });
    if (oldest.size() > limit)
      oldest.resize(limit);
    auto now = time_.now();
    for (auto* x : oldest) {
      const auto until = x->run == nullptr
                           ? now
                           : x->run->deadline().value_or(x->queued_until);
      result.push_back({x->id, x->where->name(), x->key.key(), now - x->started,
                        until - now, x->attempt, x->waiters.size(), false});
      asked.emplace_back(x->where, x->key);
    }
  });
  // Only the shard knows whether a lease still holds.
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i].fenced = asked[i].first->fenced(asked[i].second, result[i].id);
  return {std::move(result), total};
}

expected<void> load_coordinator::cancel(load_id id) {
  auto known = false;
  run([&] {
    auto i = loads_.find(id);
    if (i == loads_.end() || i->second.settling)
      return;
    known = true;
    abandon(i->second, {errc::load_cancelled, "the load was cancelled"});
  });
  if (!known)
    return fail(errc::unknown_load,
                "no load " + std::to_string(id) + " is in flight");
  return {};
}

std::vector<std::string>
load_coordinator::drain(std::chrono::steady_clock::time_point deadline) {
  run([this] { closed_ = true; });
  {
    std::unique_lock guard{drain_mutex_};
    drained_.wait_until(guard, deadline, [this] { return in_flight() == 0; });
  }
  std::vector<std::string> stuck;
  run([&] {
    auto left = std::move(loads_);
    loads_.clear();
    for (auto& [id, x] : left) {
      stuck.push_back(describe(x));
      x.stop.request_stop();
      if (x.run != nullptr)
        x.run->withdraw();
      answer(x, {fail(errc::shutting_down,
                      "the runtime drained before the loader finished")});
    }
  });
  std::sort(stuck.begin(), stuck.end());
  auto running = workers_.stop(deadline);
  if (running > stuck.size())
    stuck.push_back(std::to_string(running - stuck.size())
                    + " loader thread(s) that nobody waits for any more");
  return stuck;
}

std::string load_coordinator::describe(const load& x) const {
  // A key may have 2 MiB of any bytes, and this line is printed.
  return "load " + x.where->name() + "/" + printable(x.key.key()) + " (attempt "
         + std::to_string(x.attempt) + ", " + seconds(time_.now() - x.started)
         + ", " + std::to_string(x.waiters.size())
         + (x.waiters.size() == 1 ? " waiter)" : " waiters)");
}

} // namespace troupe
