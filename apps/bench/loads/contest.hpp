#pragma once

// The whole run of `troupe-bench loads`: the contestants, the passes and the report.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <apps/bench/common/crew.hpp>
#include <apps/bench/common/machine.hpp>
#include <apps/bench/common/report.hpp>
#include <apps/bench/loads/contestant.hpp>
#include <apps/bench/loads/settings.hpp>

namespace troupe::bench {

/// What one pass of one contestant brought.
struct load_pass {
  load_tally done;
  load_tally due;
  double mean = 0;    ///< Nanoseconds per operation of a thread.
  double cpu = 0;     ///< Short: the same in processor time of the threads.
  load_times times;   ///< Of single operations, in nanoseconds.
  load_times slowest; ///< Joined: of the last waiter of each load.
  std::uint64_t loader_threads = 0;
};

// The passes of single loads. They run on the calling thread, which is bound to no
// processor, because a pool's threads inherit that. All keys are missing before.
[[nodiscard]] load_pass pool_pass(load_contestant& who, const load_keys& keys,
                                  std::size_t count);
[[nodiscard]] load_pass burst_pass(load_contestant& who, const load_keys& keys,
                                   std::size_t count);
[[nodiscard]] load_pass chain_pass(load_contestant& who, const load_keys& keys,
                                   std::size_t count);

/// `waiters` threads join each of `count` loads and sleep before its loader returns.
/// `threads` has a thread more than that.
[[nodiscard]] load_pass joined_pass(load_contestant& who, const load_keys& keys,
                                    std::size_t count, std::size_t waiters,
                                    crew& threads);

/// Used by one thread; `measure`, then `result`, each once.
class load_contest {
public:
  load_contest(const load_settings& how, runtime& home);

  /// All rounds of all workloads.
  void measure();

  [[nodiscard]] report result() const;

private:
  /// One contestant with one workload.
  struct measurement {
    load_contestant* who = nullptr;
    load_work work = load_work::get;
    std::size_t threads = 1;           ///< Joined: the waiters of a load.
    std::vector<double> nanoseconds{}; ///< By round, as all below.
    std::vector<double> cpu{};
    std::vector<double> p99{};
    std::vector<double> slowest{};
    std::vector<double> loader_threads{};
    double allocations = 0; ///< Per operation.
    load_tally done{};
    load_tally due{};
  };

  void plan();
  void pass(measurement& x, bool counted);
  [[nodiscard]] load_pass short_pass(const measurement& x);
  void count_allocations();

  [[nodiscard]] const measurement* find(const std::string& name, load_work work,
                                        std::size_t threads) const;
  [[nodiscard]] table short_table() const;
  [[nodiscard]] table coordination_table() const;
  [[nodiscard]] table wait_table() const;
  [[nodiscard]] std::vector<expectation> expectations() const;

  load_settings how_;
  std::vector<std::uint64_t> threads_;
  std::vector<std::uint64_t> waiters_;
  data_set data_;
  noise_meter noise_;
  /// The threads of short operations, and those of joined loads.
  crew crew_;
  crew joiners_;
  /// By thread: keys that are present, and keys that are not.
  std::vector<load_keys> present_;
  std::vector<load_keys> missing_;
  std::vector<std::unique_ptr<load_contestant>> contestants_;
  std::vector<measurement> measurements_;
};

} // namespace troupe::bench
