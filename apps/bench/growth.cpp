// `troupe-bench growth`: inserts one after the other into an empty table, and times each
// insert. The index grows while other operations wait, so no insert may take much longer
// than another. An empty loop of the same length shows the pauses that the machine causes
// (timers, other processes, the hypervisor).

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>

#include <apps/bench/common/crew.hpp>
#include <apps/bench/growth/store.hpp>
#include <apps/bench/common/machine.hpp>
#include <apps/bench/common/options.hpp>
#include <apps/bench/common/report.hpp>
#include <apps/bench/common/statistics.hpp>
#include <apps/bench/subcommands.hpp>
#include <apps/bench/common/workload.hpp>

namespace troupe::bench {

namespace {

/// The longest pause that callers accept.
constexpr double acceptable_pause_ms = 1.0;

struct settings {
  common_options common;
  std::uint64_t entries = 10'000'000;
  std::uint64_t value_size = 64;
  std::uint64_t key_size = 16;
  std::uint64_t rounds = 3;
  bool peers = true;

  void declare(option_table& table) {
    table.add(entries, "entries", "inserts per pass")
      .add(value_size, "value-size", "bytes per value")
      .add(key_size, "key-size", "bytes per key")
      .add(rounds, "rounds", "passes per table, each from empty")
      .add(peers, "peers", "also measures other tables, to compare");
    common.declare(table);
  }

  void shrink() {
    entries = 20'000;
    rounds = 1;
  }

  [[nodiscard]] expected<void> check() const {
    if (auto ok = in_range("entries", entries, 1, 1'000'000'000); !ok)
      return ok;
    if (auto ok = in_range("value-size", value_size, 1, 1 << 20); !ok)
      return ok;
    if (auto ok
        = in_range("key-size", key_size, data_set::smallest_key(entries), 1024);
        !ok)
      return ok;
    return in_range("rounds", rounds, 1, 1000);
  }
};

/// The calling thread lost its processor so many times so far.
std::uint64_t preemptions() {
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  return static_cast<std::uint64_t>(used.ru_nivcsw);
}

/// One pass over one table.
struct course {
  double p50 = 0;
  double p99 = 0;
  double p9999 = 0;
  double longest = 0;                 ///< Nanoseconds, as those above.
  std::uint64_t over_bound = 0;       ///< Inserts longer than acceptable.
  std::uint64_t over_bound_alone = 0; ///< Those with the processor all along.
  double longest_alone = 0;           ///< The longest of those.
  double bytes_per_entry = 0;
  double nanoseconds = 0; ///< Per insert, on average.
  std::uint64_t present = 0;
};

struct measurement {
  growing_store_entry table;
  std::vector<course> courses{};
};

/// Times that do not need memory while they are taken.
class recorder {
public:
  explicit recorder(std::size_t size) : times_(size) {
    // The constructor wrote to every page, so none faults later.
  }

  void take(std::size_t i, double ns) {
    times_[i] = static_cast<float>(ns);
  }

  /// The share `p` of all times are no longer than this.
  double percentile(double p) {
    auto i = static_cast<std::ptrdiff_t>(
      std::ceil(p * static_cast<double>(times_.size())) - 1);
    auto at = times_.begin() + std::max<std::ptrdiff_t>(i, 0);
    std::nth_element(times_.begin(), at, times_.end());
    return static_cast<double>(*at);
  }

private:
  std::vector<float> times_;
};

/// Runs `step(i)` for all i and times each.
course timed(std::size_t count, recorder& times,
             const std::function<void(std::size_t)>& step) {
  course result;
  auto preempted = preemptions();
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    auto from = stopwatch::now();
    step(i);
    auto ns = std::chrono::duration<double, std::nano>(stopwatch::now() - from)
                .count();
    times.take(i, ns);
    sum += ns;
    result.longest = std::max(result.longest, ns);
    // Everything that takes long enough to be worth a system call.
    if (ns < 20'000)
      continue;
    auto now = preemptions();
    auto alone = now == preempted;
    preempted = now;
    auto over = ns > acceptable_pause_ms * 1e6;
    result.over_bound += over ? 1 : 0;
    result.over_bound_alone += over && alone ? 1 : 0;
    if (alone)
      result.longest_alone = std::max(result.longest_alone, ns);
  }
  result.nanoseconds = sum / static_cast<double>(count);
  result.p50 = times.percentile(0.5);
  result.p99 = times.percentile(0.99);
  result.p9999 = times.percentile(0.9999);
  return result;
}

class contest {
public:
  explicit contest(const settings& how)
    : how_(how),
      data_(how.entries, how.key_size, how.value_size),
      times_(how.entries),
      crew_(1, how.common.pin) {
    std::vector<growing_store_entry> all;
    add_growth_floors(all);
    add_regions(all);
    if (how.peers)
      add_growing_peers(all);
    for (auto& x : all)
      measurements_.push_back({x});
  }

  void measure() {
    for (std::uint64_t round = 1; round <= how_.rounds; ++round)
      for (auto& x : measurements_) {
        progress("growth: round " + std::to_string(round) + " of "
                 + std::to_string(how_.rounds) + ", " + x.table.what);
        pass(x);
      }
  }

  [[nodiscard]] report result() const;

private:
  void pass(measurement& x) {
    // Memory that an earlier table left behind must not count as this one's.
    ::malloc_trim(0);
    auto before = resident_bytes();
    auto store = x.table.make();
    course done;
    crew_.run(1, [&](std::size_t) {
      std::string key;
      done = timed(how_.entries, times_, [&](std::size_t i) {
        store->insert(key_of(i, key), data_.value(i));
      });
    });
    auto after = resident_bytes();
    done.bytes_per_entry = static_cast<double>(after - std::min(before, after))
                           / static_cast<double>(how_.entries);
    done.present = store->size();
    x.courses.push_back(done);
  }

  /// Keys are counted up; no two tables see them in another order.
  std::string_view key_of(std::size_t i, std::string& memory) const {
    memory = data_.key(i);
    return memory;
  }

  settings how_;
  data_set data_;
  recorder times_;
  crew crew_;
  noise_meter noise_;
  std::vector<measurement> measurements_;
};

/// One figure of every course.
summary over(const measurement& x, double course::*figure) {
  std::vector<double> values;
  for (auto& y : x.courses)
    values.push_back(y.*figure);
  return summarize(std::move(values));
}

report contest::result() const {
  report result;
  result.subcommand = "growth";
  result.machine = describe_machine();
  result.options = values_of(how_);
  result.method = {
    "One thread inserts new keys into an empty table. Each insert is timed,",
    "the construction of its key included. Figures are medians of the passes.",
    "The longest insert is given for the best and the worst pass: a pause in",
    "one pass only is not caused by the table. 'alone' omits inserts during",
    "which the thread lost its processor. Memory is the growth of the process",
    "per entry.",
    noise_line(noise_),
  };
  table times{"results",
              "times of one insert; over 1 ms: number of such inserts in the "
              "worst pass, and how many of them alone",
              {{"name", "", 0},
               {"table", "table", 0},
               {"p50_ns", "p50 ns", 0},
               {"p99_ns", "p99 ns", 0},
               {"p9999_us", "p99.99 us", 1},
               {"longest_best_us", "longest us, best", 1},
               {"longest_worst_us", "worst", 1},
               {"longest_alone_us", "alone, best", 1},
               {"longest_alone_worst_us", "worst", 1},
               {"over_bound", "over 1 ms", 0},
               {"over_bound_alone", "alone", 0},
               {"mean_ns", "mean ns", 0},
               {"bytes_per_entry", "bytes/entry", 1},
               {"inserted", "", 0},
               {"present", "", 0}},
              {}};
  for (auto& x : measurements_) {
    auto most = std::max_element(x.courses.begin(), x.courses.end(),
                                 [](const course& l, const course& r) {
                                   return l.over_bound < r.over_bound;
                                 });
    auto longest = over(x, &course::longest);
    auto alone = over(x, &course::longest_alone);
    times.rows.push_back(
      {x.table.name, x.table.what, over(x, &course::p50).median,
       over(x, &course::p99).median, over(x, &course::p9999).median / 1e3,
       longest.least / 1e3, longest.most / 1e3, alone.least / 1e3,
       alone.most / 1e3, most->over_bound, most->over_bound_alone,
       over(x, &course::nanoseconds).median,
       over(x, &course::bytes_per_entry).median, how_.entries,
       x.courses.back().present});
    for (auto& y : x.courses)
      if (x.table.keeps && y.present != how_.entries)
        result.failures.push_back(x.table.name + " holds "
                                  + std::to_string(y.present) + " of "
                                  + std::to_string(how_.entries) + " keys");
    if (x.table.ours)
      result.expectations.push_back(
        {"longest_pause_" + x.table.name,
         "ms, longest insert alone, best pass: " + x.table.what,
         alone.least / 1e6, acceptable_pause_ms, false});
  }
  result.tables.push_back(std::move(times));
  return result;
}

} // namespace

int run_growth(const std::vector<std::string>& arguments) {
  auto read = read_settings<settings>(
    "growth",
    "The longest time of a single insert while a table grows from empty, and\n"
    "the memory of each entry.",
    arguments);
  if (auto* code = std::get_if<int>(&read))
    return *code;
  auto& how = std::get<settings>(read);
  contest all{how};
  all.measure();
  return print(all.result(), how.common.json);
}

} // namespace troupe::bench
