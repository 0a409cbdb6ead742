#pragma once

// The whole run of `troupe-bench shard`: who takes part, what was measured, and
// what is said about it.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/fwd.hpp>

#include <apps/bench/common/crew.hpp>
#include <apps/bench/common/machine.hpp>
#include <apps/bench/common/report.hpp>
#include <apps/bench/shard/contestant.hpp>
#include <apps/bench/shard/settings.hpp>
#include <apps/bench/common/workload.hpp>

namespace troupe {

class runtime;

} // namespace troupe

namespace troupe::bench {

/// Used by one thread; `prepare`, then `measure`, then `result`, each once.
class shard_contest {
public:
  explicit shard_contest(const shard_settings& how)
    : how_(how),
      threads_(
        *number_list("threads", how.threads, shard_settings::most_threads)),
      data_(how.entries, how.key_size, how.value_size, how.pooled_keys),
      crew_(*std::max_element(threads_.begin(), threads_.end()),
            how.common.pin) {
    // nop
  }

  /// Makes and fills the contestants and draws the requests. Regions belong to
  /// `home` or, when it is null, to nobody; `plain` runs the naive actor.
  void prepare(runtime* home, caf::actor_system& plain);

  /// All rounds of all workloads.
  void measure();

  [[nodiscard]] report result() const;

private:
  /// One contestant with one workload on one number of threads.
  struct measurement {
    contestant* who = nullptr;
    workload load = workload::read;
    std::size_t threads = 1;
    std::uint64_t requests = 0;        ///< Per thread and pass.
    std::vector<double> nanoseconds{}; ///< Per request and thread, by round.
    std::vector<double> cpu{};         ///< The same, processor time.
    std::vector<double> writes{};      ///< Hot: of the others, per second.
    tally done{};                      ///< Of all counted passes.
    tally due{};                       ///< What it should be.
  };

  /// Calls of operator new in one pass of a contestant on one thread.
  struct allocation_row {
    contestant* who;
    workload load;
    double per_operation;
  };

  [[nodiscard]] std::shared_ptr<region> open(runtime* home, std::string name,
                                             std::uint64_t entries = 0) const;
  void pass(measurement& x, bool counted);
  void hot_pass(measurement& x, bool counted);
  void count_allocations();
  void plan();

  [[nodiscard]] const measurement* find(const std::string& name, workload load,
                                        std::size_t threads) const;
  [[nodiscard]] table times() const;
  [[nodiscard]] table allocations() const;
  [[nodiscard]] std::vector<expectation> expectations() const;

  shard_settings how_;
  std::vector<std::uint64_t> threads_;
  data_set data_;
  crew crew_;
  noise_meter noise_;
  std::vector<std::unique_ptr<contestant>> contestants_;
  std::vector<request_sequence> sequences_;
  std::vector<measurement> measurements_;
  std::vector<allocation_row> allocations_;
};

} // namespace troupe::bench
