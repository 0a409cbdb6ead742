#include <apps/bench/loads/contest.hpp>

#include <cmath>
#include <limits>
#include <utility>

#include <apps/bench/common/allocations.hpp>
#include <apps/bench/common/statistics.hpp>

namespace troupe::bench {

namespace {

constexpr auto unknown = std::numeric_limits<double>::quiet_NaN();

/// The summary of x[i] - y[i] over the rounds.
summary difference(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<double> result;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    result.push_back(x[i] - y[i]);
  return summarize(std::move(result));
}

} // namespace

const load_contest::measurement* load_contest::find(const std::string& name,
                                                    load_work work,
                                                    std::size_t threads) const {
  for (auto& x : measurements_)
    if (x.who->name() == name && x.work == work && x.threads == threads)
      return &x;
  return nullptr;
}

table load_contest::short_table() const {
  table result{
    "results",
    "ns: time of a thread per operation; cpu: its processor time; p99: of the "
    "operations that were\ntimed alone; new: calls of operator new per "
    "operation; x cache: ratio to the cache's time",
    {{"workload", "workload", 0},
     {"threads", "threads", 0},
     {"name", "", 0},
     {"contestant", "contestant", 0},
     {"ns", "ns", 1},
     {"ns_least", "least", 1},
     {"ns_most", "most", 1},
     {"cpu_ns", "cpu", 1},
     {"p99_ns", "p99", 0},
     {"allocations", "new", 2},
     {"times_cache", "x cache", 2},
     {"operations", "", 0},
     {"operations_due", "", 0},
     {"loads", "", 0},
     {"correct", "", 0}},
    {}};
  for (auto& x : measurements_) {
    if (!is_short(x.work))
      continue;
    const auto ns = summarize(x.nanoseconds);
    const auto* ours = find("cache", x.work, x.threads);
    const auto counted = counts_allocations() && x.threads == 1;
    result.rows.push_back(
      {to_string(x.work), std::uint64_t{x.threads}, x.who->name(),
       x.who->title(), ns.median, ns.least, ns.most, summarize(x.cpu).median,
       summarize(x.p99).median, counted ? x.allocations : unknown,
       ours == nullptr ? unknown
                       : ratio(x.nanoseconds, ours->nanoseconds).median,
       x.done.operations, x.due.operations, x.done.loads, x.done == x.due});
  }
  return result;
}

table load_contest::coordination_table() const {
  table result{"coordination",
               "ns of a miss beyond a set of the same key, medians of the "
               "differences within a round",
               {{"threads", "threads", 0},
                {"name", "", 0},
                {"contestant", "contestant", 0},
                {"ns", "miss - set", 1},
                {"ns_least", "least", 1},
                {"ns_most", "most", 1},
                {"cpu_ns", "cpu", 1}},
               {}};
  for (auto& x : measurements_) {
    const auto* set = find(x.who->name(), load_work::set, x.threads);
    if (x.work != load_work::miss || set == nullptr)
      continue;
    const auto beyond = difference(x.nanoseconds, set->nanoseconds);
    result.rows.push_back({std::uint64_t{x.threads}, x.who->name(),
                           x.who->title(), beyond.median, beyond.least,
                           beyond.most, difference(x.cpu, set->cpu).median});
  }
  return result;
}

table load_contest::wait_table() const {
  table result{
    "waits",
    "us: of a miss (pool), from the loader's return to the waiter's (joined), "
    "per key (burst), per level (chain);\nlast: of the last waiter of a load; "
    "loader threads: threads that ran loaders",
    {{"workload", "workload", 0},
     {"waiters", "waiters", 0},
     {"name", "", 0},
     {"contestant", "contestant", 0},
     {"us", "us", 2},
     {"us_least", "least", 2},
     {"us_most", "most", 2},
     {"p99_us", "p99", 1},
     {"last_us", "last", 1},
     {"loader_threads", "loader threads", 0},
     {"times_cache", "x cache", 2},
     {"operations", "", 0},
     {"operations_due", "", 0},
     {"loads", "", 0},
     {"correct", "", 0}},
    {}};
  for (auto& x : measurements_) {
    if (is_short(x.work))
      continue;
    const auto joined = x.work == load_work::joined;
    const auto ns = summarize(x.nanoseconds);
    const auto* ours = find("cache", x.work, x.threads);
    result.rows.push_back(
      {to_string(x.work), joined ? cell{std::uint64_t{x.threads}} : cell{},
       x.who->name(), x.who->title(), ns.median / 1e3, ns.least / 1e3,
       ns.most / 1e3, summarize(x.p99).median / 1e3,
       summarize(x.slowest).median / 1e3,
       joined ? unknown : summarize(x.loader_threads).median,
       ours == nullptr ? unknown
                       : ratio(x.nanoseconds, ours->nanoseconds).median,
       x.done.operations, x.due.operations, x.done.loads, x.done == x.due});
  }
  return result;
}

std::vector<expectation> load_contest::expectations() const {
  std::vector<expectation> result;
  const auto add
    = [&](std::string key, std::string text, double measured, double bound) {
        if (std::isfinite(measured))
          result.push_back(
            {std::move(key), std::move(text), measured, bound, false});
      };
  const auto median = [](const measurement* x) {
    return x == nullptr ? unknown : summarize(x->nanoseconds).median;
  };
  for (auto threads : threads_) {
    const auto with = ", " + std::to_string(threads) + " thread(s)";
    const auto* set = find("cache", load_work::set, threads);
    const auto* miss = find("cache", load_work::miss, threads);
    if (set != nullptr && miss != nullptr)
      add("coordination_" + std::to_string(threads),
          "us, our miss beyond our set" + with,
          difference(miss->nanoseconds, set->nanoseconds).median / 1e3, 1);
    const auto* get = find("cache", load_work::get, threads);
    const auto* hit = find("cache", load_work::hit, threads);
    if (get != nullptr && hit != nullptr)
      add("hit_" + std::to_string(threads),
          "our hit's time through get_or_set / through get" + with,
          ratio(hit->nanoseconds, get->nanoseconds).median, 1.2);
  }
  add("pool", "us, our miss through the pool",
      median(find("cache", load_work::pool, 1)) / 1e3, 10);
  for (auto waiters : waiters_)
    add("joined_" + std::to_string(waiters),
        "us, from our loader's return to a waiter's, " + std::to_string(waiters)
          + " waiter(s)",
        median(find("cache", load_work::joined, waiters)) / 1e3, 10);
  return result;
}

report load_contest::result() const {
  report result;
  result.subcommand = "loads";
  result.machine = describe_machine();
  result.options = values_of(how_);
  result.method = {
    "Each round runs all contestants in turn. Figures are medians of the",
    "rounds; ratios are medians of the ratios within a round. Each contestant",
    "holds all entries; the keys of a miss or set are removed after the pass.",
    "Every read returns a copy of the value. The loader makes the value and",
    "does nothing else; a set makes it, too. All misses store their value.",
    "Every 16th short operation is timed alone, for p99. In 'pool' and 'burst'",
    "the pools' threads have been started before. In 'joined' all waiters",
    "sleep when the loader returns.",
    noise_line(noise_),
  };
  if (!counts_allocations())
    result.method.emplace_back(
      "Allocations are not counted: a sanitizer replaces operator new.");
  result.tables = {short_table(), coordination_table(), wait_table()};
  std::erase_if(result.tables, [](const table& x) { return x.rows.empty(); });
  result.expectations = expectations();
  for (auto& x : measurements_)
    if (!(x.done == x.due))
      result.failures.push_back(
        to_string(x.work) + ", " + std::to_string(x.threads)
        + (x.work == load_work::joined ? " waiters, " : " threads, ")
        + x.who->name() + ": " + std::to_string(x.done.operations) + " of "
        + std::to_string(x.due.operations) + " operations, "
        + std::to_string(x.done.right) + " right, "
        + std::to_string(x.done.loads) + " loads instead of "
        + std::to_string(x.due.loads));
  return result;
}

} // namespace troupe::bench
