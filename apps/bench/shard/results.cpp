#include <apps/bench/shard/contest.hpp>

#include <cmath>
#include <limits>
#include <utility>

#include <apps/bench/common/allocations.hpp>
#include <apps/bench/common/statistics.hpp>

namespace troupe::bench {

const shard_contest::measurement*
shard_contest::find(const std::string& name, workload load,
                    std::size_t threads) const {
  for (auto& x : measurements_)
    if (x.who->name() == name && x.load == load && x.threads == threads)
      return &x;
  return nullptr;
}

table shard_contest::times() const {
  table result{"results",
               "ns: time of a thread per operation (wall time x threads / "
               "operations); cpu: its processor\ntime per operation; x region: "
               "ratio to the region's time",
               {{"workload", "workload", 0},
                {"threads", "threads", 0},
                {"name", "", 0},
                {"contestant", "contestant", 0},
                {"ns", "ns", 1},
                {"ns_least", "least", 1},
                {"ns_most", "most", 1},
                {"cpu_ns", "cpu", 1},
                {"mops", "M/s", 2},
                {"times_region", "x region", 2},
                {"writes_mops", "writes M/s", 2},
                {"rounds", "", 0},
                {"operations", "", 0},
                {"operations_due", "", 0},
                {"reads", "", 0},
                {"found", "", 0},
                {"correct", "", 0}},
               {}};
  for (auto& x : measurements_) {
    auto ns = summarize(x.nanoseconds);
    auto* ours = find(x.load == workload::full ? "region-full" : "region",
                      x.load, x.threads);
    auto times
      = ours == nullptr ? summary{} : ratio(x.nanoseconds, ours->nanoseconds);
    auto workers
      = x.load == workload::hot ? 1.0 : static_cast<double>(x.threads);
    result.rows.push_back(
      {to_string(x.load), std::uint64_t{x.threads}, x.who->name(),
       x.who->what(), ns.median, ns.least, ns.most, summarize(x.cpu).median,
       1e3 * workers / ns.median, times.median,
       summarize(x.writes).median / 1e6, std::uint64_t{x.nanoseconds.size()},
       x.done.reads + x.done.writes, x.due.reads + x.due.writes, x.done.reads,
       x.done.found, x.done == x.due});
  }
  return result;
}

table shard_contest::allocations() const {
  table result{"allocations",
               "calls of operator new per operation, one thread",
               {{"workload", "workload", 0},
                {"name", "", 0},
                {"contestant", "contestant", 0},
                {"allocations", "new", 2}},
               {}};
  for (auto& x : allocations_)
    result.rows.push_back(
      {to_string(x.load), x.who->name(), x.who->what(), x.per_operation});
  return result;
}

std::vector<expectation> shard_contest::expectations() const {
  std::vector<expectation> result;
  // How many times as long `slow` takes as `fast`, per operation of a thread.
  auto times = [](const measurement* slow, const measurement* fast) {
    return slow == nullptr || fast == nullptr
             ? std::numeric_limits<double>::quiet_NaN()
             : ratio(slow->nanoseconds, fast->nanoseconds).median;
  };
  auto add = [&](std::string key, std::string text, double measured,
                 double bound, bool at_least) {
    if (std::isfinite(measured))
      result.push_back(
        {std::move(key), std::move(text), measured, bound, at_least});
  };
  auto* read = find("region", workload::read, 1);
  auto* read2 = find("region", workload::read, 2);
  auto* write = find("region", workload::write, 1);
  auto* absl = find("absl", workload::read, 1);
  add("read_vs_unsynchronised",
      "unsynchronised map's time for a read / ours, 1 thread",
      times(absl, read), 1.1, true);
  add("read2_vs_tbb", "oneTBB's time for a read / ours, 2 threads",
      times(find("tbb", workload::read, 2), read2), 1.6, true);
  add("read_scaling", "our reads per second on 2 threads / on 1",
      2 * times(read, read2), 1.9, true);
  add("read2_vs_unsynchronised",
      "our reads per second on 2 threads / unsynchronised map's on 1",
      2 * times(absl, read2), 1.9, true);
  for (std::size_t threads : {1U, 2U}) {
    auto with = ", " + std::to_string(threads) + " thread(s)";
    auto* tbb = find("tbb", workload::write, threads);
    add("write_vs_tbb_" + std::to_string(threads),
        "oneTBB's time for a write / ours under a limit" + with,
        times(tbb, find("region-limited", workload::write, threads)),
        threads == 1 ? 1.3 : 1.0, true);
    add("full_vs_lru_" + std::to_string(threads),
        "locked LRU's time for a write to a full table / ours" + with,
        times(find("locked-lru", workload::full, threads),
              find("region-full", workload::full, threads)),
        1.0, true);
  }
  add("read_vs_naive", "naive design's time for a read / ours, 1 thread",
      times(find("naive", workload::read, 1), read), 50, true);
  add("write_vs_naive", "naive design's time for a write / ours, 1 thread",
      times(find("naive", workload::write, 1), write), 50, true);
  for (auto& x : allocations_)
    if (x.who->name() == "region" && x.load == workload::read)
      // Other threads of the runtime may wake up and allocate meanwhile.
      add("read_allocations", "calls of operator new per read of ours",
          x.per_operation, 0.01, false);
  add("batch_vs_read", "our time for a read / for one in a batch, 1 thread",
      // Two workloads do not share rounds; their medians have to do.
      read == nullptr || find("region", workload::batch_read, 1) == nullptr
        ? std::numeric_limits<double>::quiet_NaN()
        : summarize(read->nanoseconds).median
            / summarize(find("region", workload::batch_read, 1)->nanoseconds)
                .median,
      2.5, true);
  return result;
}

report shard_contest::result() const {
  report result;
  result.subcommand = "shard";
  result.machine = describe_machine();
  result.options = values_of(how_);
  result.method = {
    "All contestants hold all entries at the same time, filled in key order.",
    "Each round runs them in turn. Figures are medians of the rounds; ratios",
    "are medians of the ratios within a round. A read finds the key and reads",
    "two bytes of the value in place; a write returns when the value is",
    "stored. A batch has 16 keys. Peers accept string_view keys; no lookup",
    "constructs a key.",
    noise_line(noise_),
  };
  result.tables.push_back(times());
  if (counts_allocations())
    result.tables.push_back(allocations());
  else
    result.method.emplace_back(
      "Allocations are not counted: a sanitizer replaces operator new.");
  result.expectations = expectations();
  for (auto& x : measurements_)
    if (!(x.done == x.due))
      result.failures.push_back(
        to_string(x.load) + ", " + std::to_string(x.threads) + " threads, "
        + x.who->name() + ": found " + std::to_string(x.done.found) + " of "
        + std::to_string(x.due.found) + " keys"
        + (x.done.sum == x.due.sum ? "" : ", and wrong values"));
  return result;
}

} // namespace troupe::bench
