#pragma once

// The order in which the tasks of a simulation run.
//
// Each task has a thread of its own, and exactly one of these threads runs at a time: it
// holds the *baton*. A thread hands the baton over at a step (`step`), when it waits
// (`sleep`, `wait_until`, and every futex wait of the library), and when it ends. It
// chooses the next thread itself, among those that can run, with numbers that follow from
// the seed alone. So the sequence of choices, and with it the run, is repeated by the
// seed. All state of this class belongs to the thread with the baton; the mutex only
// hands it over.
//
// A thread that waits on a futex can run when the word has changed: the chooser reads the
// word, so no wake is needed (wait_hook.hpp). While a thread is inside a turn of a
// mailbox it keeps the baton; therefore no thread ever finds a mailbox busy.
//
// When no task can run, virtual time moves to the next moment for which one waits. The
// clockwork is a task as well, so its ticks race with the others. When there is no such
// moment, the run has failed: a deadlock.
//
// After a failure no task runs any further: their threads stay where they are, for ever,
// with all that they refer to.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/actors/testing/detail/dice.hpp>
#include <troupe/actors/testing/simulation_options.hpp>
#include <troupe/backends/core/futex.hpp>
#include <troupe/backends/core/wait_hook.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe::testing::detail {

struct simulated_task;

/// Of one run. `run` is called once, by the thread that owns the simulation; the other
/// functions by that thread before, and by tasks meanwhile.
class schedule final : public wait_hook,
                       public std::enable_shared_from_this<schedule> {
public:
  /// What the clockwork needs of the simulation.
  struct surroundings {
    std::function<void()> tick;
    /// Whether something waits for a tick.
    std::function<bool()> busy;
    /// Lines about what is in flight, for reports.
    std::function<std::string()> describe;
  };

  schedule(std::uint64_t seed, const simulation_options& how);
  ~schedule() override;

  void surround(surroundings x);

  void add(std::string name, std::function<void()> body);

  /// Throws simulation_failed.
  void run();

  /// Whether tasks were left behind by a failure.
  [[nodiscard]] bool left_behind() const noexcept {
    return left_behind_;
  }

  /// Whether the calling thread is a task of this schedule.
  [[nodiscard]] bool is_task() const noexcept;

  /// Whether it is one, and is not choosing the next task.
  [[nodiscard]] bool acts() const noexcept;

  // -- of tasks; no effect on other threads -------------------------------------

  /// Lets another task run, or this one go on. Records the step for reports.
  void step(std::string_view what, bytes_view key = {});

  void sleep(std::chrono::nanoseconds span);

  /// False when the time was over first.
  bool wait_until(std::string_view what, const std::function<bool()>& pred,
                  time_point until);

  /// Ends the run. In a task it does not return; else it throws simulation_failed.
  [[noreturn]] void fail_run(const std::string& text);

  std::uint64_t below(std::uint64_t bound) noexcept {
    return dice_.below(bound);
  }

  // -- wait_hook -----------------------------------------------------------------

  bool wait(const futex_word& word, std::uint32_t value,
            std::optional<std::chrono::nanoseconds> timeout) noexcept override;
  expected<void> post(std::function<void()> job) override;

  // -- figures -------------------------------------------------------------------

  [[nodiscard]] std::uint64_t steps() const noexcept {
    return steps_.load(std::memory_order_relaxed);
  }

  /// A number that follows from all choices so far.
  [[nodiscard]] std::uint64_t digest() const noexcept {
    return digest_;
  }

  const std::uint64_t seed;
  manual_clock time;

private:
  using task_pointer = std::unique_ptr<simulated_task>;

  /// What was recorded of a step.
  struct trace_line {
    const simulated_task* by = nullptr;
    std::string text;
  };

  simulated_task& add_daemon(std::string name, std::function<void()> round,
                             std::function<bool()> due);
  void thread_of(simulated_task& self);
  void pass_on(simulated_task& self);
  void give(simulated_task* next);
  simulated_task* choose();
  [[nodiscard]] bool can_run(const simulated_task& x) const;
  [[nodiscard]] bool done() const;
  bool advance();
  void note(std::string text);
  void watch(std::unique_lock<std::mutex>& guard);
  void end_threads();
  [[nodiscard]] std::string waits() const;
  [[nodiscard]] std::string report() const;

  const simulation_options how_;
  dice dice_;
  /// Percent of the choices in which the present task goes on, if it can.
  const std::uint64_t stays_;
  surroundings around_;

  std::vector<task_pointer> tasks_;
  std::vector<simulated_task*> able_; ///< Of `choose`.
  std::deque<std::function<void()>> jobs_;
  time_point last_tick_;
  time_point last_progress_;
  std::uint64_t digest_ = 0;
  std::deque<trace_line> trace_;
  std::string failure_;
  bool deciding_ = false;
  bool left_behind_ = false;

  std::atomic<std::uint64_t> steps_{0};
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;
  std::condition_variable driver_;
  simulated_task* running_ = nullptr; ///< Has the baton.
  bool finished_ = false;
};

} // namespace troupe::testing::detail
