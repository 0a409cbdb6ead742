#pragma once

// Deterministic tests of code that uses a cache.
//
//   troupe::testing::simulation sim{seed};
//   auto users = sim.open("users", {.ttl = 5min}).value();
//   sim.task("reader", [&] { users->get_or_set("42", sim.flaky(load)); });
//   sim.task("writer", [&] { users->erase("42"); });
//   sim.run();                          // throws simulation_failed, with the seed
//
// Each task has a thread of its own, and exactly one of them runs at a time. A task hands
// over
//   - before and after every call of a region's provider: read, write, lease of a load,
//     commit, invalidation;
//   - when it waits for a load of another task, or for the lease of an update;
//   - at `step`, `sleep` and `wait_until`, and in loaders made by `flaky`.
// The seed decides which task goes on, so a seed repeats a run. Loaders that belong on
// the pool run on simulated loader threads, and the clockwork is a task of its own.
//
// Time is virtual: it moves when no task can go on, to the next moment for which one
// waits. When there is none, the run fails and says what each task waits for.
//
// Before and after `run`, the calling thread may use the regions as well: its calls do not
// hand over, and what they leave to the pool runs on real threads, until the simulation
// ends.
//
// Regions have no runtime and no actors. They are in memory, or on the provider of their
// options if that uses no threads of its own. A task must not wait for another one in a
// way that the simulation does not see: a mutex that is held during a step, a future, a
// condition variable. Instead of `future.get()`, use `wait_until` and look whether the
// future is ready. A task that waits in such a way ends the program after
// `simulation_options::longest_step`, with a message. What depends on the process (the
// spread of keys over shards) may differ between two runs of one seed; the order of the
// steps does not.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <troupe/actors/loads/load_target.hpp>
#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/actors/testing/fault_plan.hpp>
#include <troupe/actors/testing/simulation_options.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

class load_coordinator;

} // namespace troupe

namespace troupe::testing {

/// What a loader made by `simulation::flaky` does besides loading.
struct loader_faults {
  /// Percent of the runs that return `load_failed`, and of those that throw.
  unsigned fails = 0;
  unsigned throws = 0;

  /// Steps before the value is read, and after: 0 to so many.
  std::size_t most_steps = 2;

  /// A run takes up to so much virtual time.
  std::chrono::nanoseconds longest{0};
};

/// One run. Made, filled and run by one thread; tasks use what is marked so.
class simulation {
public:
  /// Throws std::invalid_argument for options outside of their ranges.
  explicit simulation(std::uint64_t seed, const simulation_options& how = {});

  /// After a failed run, the threads of tasks that did not end stay as they are, and
  /// with them the regions.
  ~simulation();

  simulation(const simulation&) = delete;
  simulation& operator=(const simulation&) = delete;

  [[nodiscard]] std::uint64_t seed() const noexcept;

  /// The virtual time, by which entries expire and loads time out.
  [[nodiscard]] const clock& time() const noexcept;

  /// Faults of the providers of all regions. Delays take virtual time.
  [[nodiscard]] fault_plan& faults() noexcept;

  /// The coordinator of the loads of all regions.
  [[nodiscard]] const std::shared_ptr<load_coordinator>& loads() const noexcept;

  /// Opens a region; 4 shards unless the options say otherwise. For a typed cache see
  /// simulated_cache.hpp. Errors: those of `check` and of the provider.
  expected<std::shared_ptr<region>>
  open(std::string name, const region_options& options = {},
       std::optional<integer_range> counts = integer_range{});

  /// Adds a task. Tasks may add tasks. What `f` refers to has to live until `run` returns;
  /// no task goes on after that.
  void task(std::string name, std::function<void()> f);

  /// Runs all tasks, and the loads that they began, to their ends. Throws
  /// simulation_failed when a task throws or calls `fail`, when no task can go on, and
  /// when a load is left in flight; std::logic_error when called twice.
  void run();

  // -- for tasks -----------------------------------------------------------------

  /// Hands over. `what` appears in reports. No effect on other threads, and inside a turn
  /// of a mailbox.
  void step(std::string_view what = "step");

  /// Lets virtual time pass for this task.
  void sleep(std::chrono::nanoseconds span);

  /// Waits until `pred` is true, at most until `deadline`; returns whether it is true.
  /// `pred` is called by other tasks, between any two steps; it must be brief and call
  /// nothing of the simulation or its regions. `what` appears in reports.
  bool wait_until(std::string_view what, const std::function<bool()>& pred,
                  time_point deadline = never);

  /// Ends the run when `ok` is false, also from a loader. In a task it does not return
  /// then.
  void expect(bool ok, std::string_view text);

  /// Ends the run. In a task it does not return; elsewhere it throws simulation_failed.
  [[noreturn]] void fail(const std::string& text);

  /// A number below `bound` (above 0) that follows from the seed and the run so far.
  std::uint64_t below(std::uint64_t bound) noexcept;

  /// True in `percent` of the cases.
  bool chance(unsigned percent) noexcept;

  /// `f` with steps, delays and failures that the seed chooses. May be used after the
  /// simulation has ended.
  [[nodiscard]] bytes_loader flaky(bytes_loader f,
                                   const loader_faults& how = {}) const;

  // -- figures -------------------------------------------------------------------

  /// Choices so far.
  [[nodiscard]] std::uint64_t steps() const noexcept;

  /// A number that follows from all choices so far: equal for equal runs.
  [[nodiscard]] std::uint64_t digest() const noexcept;

private:
  struct core;

  std::shared_ptr<core> core_;
  bool ran_ = false;
};

} // namespace troupe::testing
