#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace troupe::testing {

/// The bounds of a simulation.
struct simulation_options {
  /// Loaders that run on the simulated loader threads at a time (`load_on::pool`,
  /// asynchronous loads, refreshes), 1 to 64.
  std::size_t loader_threads = 2;

  /// Jobs that wait for a loader thread; further ones get `overloaded`.
  std::size_t loader_queue = 1024;

  /// How often the simulated clockwork ticks while a load is in flight, in virtual time.
  /// It ends overdue loads, as the runtime's does.
  std::chrono::nanoseconds tick = std::chrono::milliseconds{20};

  /// The virtual time after which tasks that only wait for each other count as a
  /// deadlock. Longer than the longest `load_timeout` of a region.
  std::chrono::nanoseconds patience = std::chrono::minutes{10};

  /// Steps of all tasks together, at most: a run that goes on for ever fails.
  std::uint64_t most_steps = 1'000'000;

  /// The real time that one step may take. A task that takes longer waits for something
  /// that the simulation does not know (a mutex, a future, a socket): the program is
  /// then aborted, with the task's name.
  std::chrono::seconds longest_step{60};
};

/// A run failed. The text names the seed that repeats it, what failed, and the last
/// steps of the tasks.
class simulation_failed : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace troupe::testing
