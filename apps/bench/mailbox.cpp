// `troupe-bench mailbox`: the cost of several ways to run operations one at a time. The
// results support the decision to let callers run a shard's mailbox.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <troupe/actors/runtime.hpp>

#include <apps/bench/common/crew.hpp>
#include <apps/bench/common/machine.hpp>
#include <apps/bench/mailbox/counter.hpp>
#include <apps/bench/common/options.hpp>
#include <apps/bench/common/plain_system.hpp>
#include <apps/bench/common/report.hpp>
#include <apps/bench/common/statistics.hpp>
#include <apps/bench/subcommands.hpp>

namespace troupe::bench {

namespace {

constexpr std::size_t most_threads = 256;

struct settings {
  common_options common;
  std::uint64_t ops = 500'000;
  std::uint64_t slow_ops = 10'000;
  std::uint64_t rounds = 7;
  std::string threads = "1,2,4";
  std::string scheduler = "stealing";

  void declare(option_table& table) {
    table.add(ops, "ops", "operations per thread and pass")
      .add(slow_ops, "slow-ops",
           "the same, for ways that wake a thread for each operation")
      .add(rounds, "rounds", "passes per measurement, after one to warm up")
      .add(threads, "threads", "numbers of threads, for example 1,2,4")
      .add(scheduler, "scheduler",
           "CAF's scheduler for ways without Troupe: stealing or sharing");
    common.declare(table);
  }

  void shrink() {
    ops = 5'000;
    slow_ops = 300;
    rounds = 1;
  }

  [[nodiscard]] expected<void> check() const {
    if (auto ok = in_range("ops", ops, 1, 1'000'000'000); !ok)
      return ok;
    if (auto ok = in_range("slow-ops", slow_ops, 1, 1'000'000'000); !ok)
      return ok;
    if (auto ok = in_range("rounds", rounds, 1, 10'000); !ok)
      return ok;
    if (auto ok = one_of("scheduler", scheduler, scheduler_policies()); !ok)
      return ok;
    if (auto ok = number_list("threads", threads, most_threads); !ok)
      return tl::unexpected<error>{ok.error()};
    return {};
  }
};

struct measurement {
  counter* who = nullptr;
  std::size_t threads = 1;
  std::uint64_t ops = 0;             ///< Per thread and pass.
  std::vector<double> nanoseconds{}; ///< Wall time per operation of all.
  std::vector<double> cpu{};         ///< Processor time, whole process.
  std::uint64_t due = 0;
  std::uint64_t done = 0;
};

class contest {
public:
  contest(const settings& how, runtime& home, caf::actor_system& plain)
    : how_(how),
      threads_(*number_list("threads", how.threads, most_threads)),
      crew_(*std::max_element(threads_.begin(), threads_.end()),
            how.common.pin) {
    add_locks(counters_);
    add_lanes(counters_);
    add_actors(counters_, plain);
    add_lane_actors(counters_, plain);
    add_region_counters(counters_, home);
    for (auto threads : threads_)
      for (auto& x : counters_)
        if (x->takes(threads))
          measurements_.push_back(
            {x.get(), threads, x->slow() ? how.slow_ops : how.ops});
  }

  void measure() {
    for (std::uint64_t round = 0; round <= how_.rounds; ++round) {
      for (auto& x : measurements_)
        pass(x, round > 0);
      progress("mailbox: "
               + (round == 0 ? "warmed up"
                             : "round " + std::to_string(round) + " of "
                                 + std::to_string(how_.rounds)));
    }
  }

  [[nodiscard]] report result() const;

private:
  void pass(measurement& x, bool counted) {
    auto before = x.who->value();
    auto cpu = cpu_seconds();
    auto time = crew_.run(x.threads, [&](std::size_t) { x.who->add(x.ops); });
    // Asking for the total also waits for what is still on its way.
    auto done = x.who->value() - before;
    cpu = cpu_seconds() - cpu;
    if (!counted)
      return;
    auto due = x.ops * x.threads;
    x.done += done;
    x.due += due;
    x.nanoseconds.push_back(time.wall * 1e9 / static_cast<double>(due));
    x.cpu.push_back(cpu * 1e9 / static_cast<double>(due));
  }

  settings how_;
  std::vector<std::uint64_t> threads_;
  crew crew_;
  noise_meter noise_;
  counter_list counters_;
  std::vector<measurement> measurements_;
};

report contest::result() const {
  report result;
  result.subcommand = "mailbox";
  result.machine = describe_machine();
  result.options = values_of(how_);
  result.method = {
    "Every operation adds 1 to one counter. With several threads, all threads",
    "change the same counter without a pause. No cache does that: it is the",
    "worst case. Each round runs all ways in turn; figures are medians.",
    "Threads of CAF's scheduler are not bound to a processor.",
    noise_line(noise_),
  };
  table times{"results",
              "ns: wall time per operation, counting the operations of all "
              "threads; cpu: processor time of the whole process",
              {{"threads", "threads", 0},
               {"name", "", 0},
               {"way", "way", 0},
               {"ns", "ns", 1},
               {"ns_least", "least", 1},
               {"ns_most", "most", 1},
               {"cpu_ns", "cpu", 1},
               {"operations", "", 0},
               {"operations_due", "", 0},
               {"correct", "", 0}},
              {}};
  for (auto& x : measurements_) {
    auto ns = summarize(x.nanoseconds);
    times.rows.push_back({std::uint64_t{x.threads}, x.who->name(),
                          x.who->what(), ns.median, ns.least, ns.most,
                          summarize(x.cpu).median, x.done, x.due,
                          x.done == x.due});
    if (x.done != x.due)
      result.failures.push_back(x.who->name() + ", " + std::to_string(x.threads)
                                + " threads: added " + std::to_string(x.done)
                                + " instead of " + std::to_string(x.due));
  }
  result.tables.push_back(std::move(times));
  return result;
}

} // namespace

int run_mailbox(const std::vector<std::string>& arguments) {
  auto read = read_settings<settings>(
    "mailbox",
    "The cost of running operations one at a time: locks, Troupe's lane, "
    "actors.",
    arguments);
  if (auto* code = std::get_if<int>(&read))
    return *code;
  auto& how = std::get<settings>(read);
  plain_system plain{how.scheduler};
  runtime home;
  contest all{how, home, plain.get()};
  all.measure();
  return print(all.result(), how.common.json);
}

} // namespace troupe::bench
