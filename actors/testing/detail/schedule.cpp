#include <troupe/actors/testing/detail/schedule.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>
#include <utility>

#include <troupe/actors/testing/detail/simulated_task.hpp>
#include <troupe/actors/testing/detail/time_text.hpp>
#include <troupe/backends/core/lane.hpp>
#include <troupe/messages/types/text/printable.hpp>

namespace troupe::testing::detail {

namespace {

/// The task that the calling thread is, and its schedule.
thread_local simulated_task* task_of_thread = nullptr;
thread_local const schedule* schedule_of_thread = nullptr;

/// Steps that a report shows.
constexpr std::size_t most_traced = 40;

/// Bytes of a key that a report shows.
constexpr std::size_t longest_traced_key = 32;

/// Some runs change the task at every step, others seldom: each finds other races.
constexpr std::array<std::uint64_t, 4> styles{0, 0, 50, 85};

/// While it lives, the functions that tasks call do nothing.
class deciding {
public:
  explicit deciding(bool& flag) noexcept : flag_(flag) {
    flag_ = true;
  }

  ~deciding() {
    flag_ = false;
  }

  deciding(const deciding&) = delete;
  deciding& operator=(const deciding&) = delete;

private:
  bool& flag_;
};

} // namespace

schedule::schedule(std::uint64_t the_seed, const simulation_options& how)
  : seed(the_seed),
    how_(how),
    dice_(the_seed),
    stays_(styles[dice_.below(styles.size())]),
    last_tick_(time.now()),
    last_progress_(time.now()) {
  for (std::size_t i = 1; i <= how_.loader_threads; ++i)
    add_daemon(
      "loader thread " + std::to_string(i),
      [this] {
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        job();
      },
      [this] { return !jobs_.empty(); });
  add_daemon(
    "clockwork",
    [this] {
      last_tick_ = time.now();
      around_.tick();
    },
    [this] { return time.now() >= last_tick_ + how_.tick; });
}

schedule::~schedule() = default;

void schedule::surround(surroundings x) {
  around_ = std::move(x);
}

void schedule::add(std::string name, std::function<void()> body) {
  tasks_.push_back(
    std::make_unique<simulated_task>(std::move(name), std::move(body), false));
}

/// A task that calls `round` whenever it is due, until the run ends.
simulated_task& schedule::add_daemon(std::string name,
                                     std::function<void()> round,
                                     std::function<bool()> due) {
  tasks_.push_back(std::make_unique<simulated_task>(
    std::move(name), std::function<void()>{}, true));
  auto& x = *tasks_.back();
  x.due = std::move(due);
  x.idle = true;
  x.body = [this, &x, round = std::move(round)] {
    while (!stopping_.load(std::memory_order_acquire)) {
      if (x.due()) {
        x.idle = false;
        round();
        x.idle = true;
      }
      // Also after a round: the next one is another task's choice.
      x.now = simulated_task::phase::waiting;
      x.until_true = &x.due;
      x.reason = "work";
      pass_on(x);
    }
  };
  return x;
}

// -- the baton ----------------------------------------------------------------------

void schedule::thread_of(simulated_task& self) {
  task_of_thread = &self;
  schedule_of_thread = this;
  const wait_hook_scope hook{*this};
  {
    std::unique_lock guard{mutex_};
    self.turn.wait(guard, [&] { return running_ == &self; });
  }
  try {
    self.body();
  } catch (const std::exception& failure) {
    note("threw: " + std::string{failure.what()});
    if (failure_.empty())
      failure_ = "task '" + self.name + "' threw: " + failure.what();
  } catch (...) {
    // Not swallowed: the run fails.
    if (failure_.empty())
      failure_ = "task '" + self.name
                 + "' threw something that is no std::exception (a failed "
                   "assertion of a test framework, perhaps)";
  }
  if (stopping_.load(std::memory_order_acquire))
    return; // A daemon; nobody waits for the baton.
  self.now = simulated_task::phase::ended;
  pass_on(self);
}

/// Hands the baton over to the next task, and returns when `self` has it again: at once
/// when `self` has ended, never when the run has.
void schedule::pass_on(simulated_task& self) {
  auto* const next = choose();
  if (next == &self)
    return;
  std::unique_lock guard{mutex_};
  give(next);
  if (self.now != simulated_task::phase::ended)
    self.turn.wait(guard, [&] { return running_ == &self; });
}

/// With the mutex. nullptr: the run has ended.
void schedule::give(simulated_task* next) {
  running_ = next;
  if (next == nullptr) {
    finished_ = true;
    driver_.notify_one();
  } else if (!next->thread.joinable()) {
    next->thread = std::thread{
      [self = shared_from_this(), next] { self->thread_of(*next); }};
  } else {
    next->turn.notify_one();
  }
}

bool schedule::can_run(const simulated_task& x) const {
  switch (x.now) {
    case simulated_task::phase::fresh:
      return !x.daemon || x.due();
    case simulated_task::phase::ready:
      return true;
    case simulated_task::phase::waiting:
      return (x.word != nullptr
              && x.word->load(std::memory_order_acquire) != x.value)
             || (x.until_true != nullptr && (*x.until_true)())
             || x.until <= time.now();
    case simulated_task::phase::ended:
      return false;
  }
  return false;
}

/// Whether nothing is left to do.
bool schedule::done() const {
  return jobs_.empty() && std::ranges::all_of(tasks_, [](const auto& x) {
           return x->daemon ? x->idle : x->now == simulated_task::phase::ended;
         });
}

/// The task that runs next; nullptr when the run has ended.
simulated_task* schedule::choose() {
  const deciding here{deciding_};
  try {
    for (;;) {
      if (!failure_.empty() || done())
        return nullptr;
      if (steps_.fetch_add(1, std::memory_order_relaxed) >= how_.most_steps) {
        failure_ = "the run does not end: it has made "
                   + std::to_string(how_.most_steps) + " steps\n" + waits();
        return nullptr;
      }
      able_.clear();
      auto idle_loader = false;
      for (const auto& x : tasks_) {
        // One idle loader thread is as good as another.
        if (x->daemon && x->idle && x != tasks_[how_.loader_threads]
            && std::exchange(idle_loader, true))
          continue;
        if (can_run(*x))
          able_.push_back(x.get());
      }
      if (!able_.empty())
        break;
      if (!advance())
        return nullptr;
    }
  } catch (const std::exception& failure) {
    failure_ = std::string{"a condition that a task waits for threw: "}
               + failure.what();
    return nullptr;
  }
  auto* next = able_[dice_.below(able_.size())];
  if (stays_ > 0 && dice_.below(100) < stays_
      && std::ranges::find(able_, task_of_thread) != able_.end())
    next = task_of_thread;
  const auto index = std::ranges::find(tasks_, next, &task_pointer::get);
  digest_ = (digest_ ^ static_cast<std::uint64_t>(index - tasks_.begin() + 1))
            * 0x9e3779b97f4a7c15u;
  digest_ ^= digest_ >> 29;
  const auto woken
    = next->word != nullptr
      && next->word->load(std::memory_order_acquire) != next->value;
  next->timed_out = next->now == simulated_task::phase::waiting && !woken
                    && next->until <= time.now();
  // A wait of the library that only timed out brings nothing forward.
  if (next != tasks_[how_.loader_threads].get()
      && (next->word == nullptr || woken))
    last_progress_ = time.now();
  next->now = simulated_task::phase::ready;
  next->word = nullptr;
  next->until_true = nullptr;
  next->until = never;
  next->sleeps = false;
  return next;
}

/// No task can run: moves time to the next moment at which one can. False when there is
/// none, and the run has failed.
bool schedule::advance() {
  auto next = never;
  auto sleeps = false;
  for (const auto& x : tasks_)
    if (x->now == simulated_task::phase::waiting) {
      next = std::min(next, x->until);
      sleeps = sleeps || x->sleeps;
    }
  // The clockwork itself may wait, for a provider that is slow.
  if (tasks_[how_.loader_threads]->idle && around_.busy())
    next = std::min(next, last_tick_ + how_.tick);
  if (next == never || (!sleeps && next - last_progress_ > how_.patience)) {
    failure_ = "deadlock: no task can go on\n" + waits();
    return false;
  }
  time.advance(std::max(next - time.now(), std::chrono::nanoseconds{0}));
  return true;
}

// -- tasks -------------------------------------------------------------------------

void schedule::note(std::string text) {
  if (trace_.size() >= most_traced)
    trace_.pop_front();
  trace_.push_back({task_of_thread, std::move(text)});
}

bool schedule::is_task() const noexcept {
  return schedule_of_thread == this;
}

bool schedule::acts() const noexcept {
  return is_task() && !deciding_;
}

void schedule::step(std::string_view what, bytes_view key) {
  // Inside a turn of a mailbox, a thread that is held up would hold up the others where
  // this class does not see them.
  if (!acts() || lane::inside_any())
    return;
  auto text = std::string{what};
  if (!key.empty())
    text += " " + printable(bytes{key.substr(0, longest_traced_key)});
  note(std::move(text));
  pass_on(*task_of_thread);
}

void schedule::sleep(std::chrono::nanoseconds span) {
  if (!acts() || lane::inside_any())
    return;
  auto& self = *task_of_thread;
  note("sleeps " + milliseconds_text(span));
  self.now = simulated_task::phase::waiting;
  self.until = time.now() + std::max(span, std::chrono::nanoseconds{0});
  self.sleeps = true;
  self.reason = "the end of its sleep";
  pass_on(self);
}

bool schedule::wait_until(std::string_view what,
                          const std::function<bool()>& pred, time_point until) {
  if (!is_task())
    throw std::logic_error{"wait_until is for the tasks of a simulation"};
  auto& self = *task_of_thread;
  note("waits until " + std::string{what});
  self.now = simulated_task::phase::waiting;
  self.until_true = &pred;
  self.until = until;
  self.sleeps = until != never;
  self.reason = what;
  pass_on(self);
  return !self.timed_out || pred();
}

void schedule::fail_run(const std::string& text) {
  if (failure_.empty())
    failure_ = text;
  if (!is_task())
    throw simulation_failed{report()};
  note("fails");
  for (;;)
    pass_on(*task_of_thread);
}

bool schedule::wait(const futex_word& word, std::uint32_t value,
                    std::optional<std::chrono::nanoseconds> timeout) noexcept {
  auto& self = *task_of_thread;
  self.now = simulated_task::phase::waiting;
  self.word = &word;
  self.value = value;
  self.until = timeout ? time.now() + *timeout : never;
  self.reason = "another task (a load in flight, or the lease of an update)";
  pass_on(self);
  return !self.timed_out;
}

expected<void> schedule::post(std::function<void()> job) {
  if (jobs_.size() >= how_.loader_queue)
    return fail(errc::overloaded,
                std::to_string(jobs_.size())
                  + " jobs wait for a simulated loader thread already");
  jobs_.push_back(std::move(job));
  return {};
}

} // namespace troupe::testing::detail
