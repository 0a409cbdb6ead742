// `troupe-bench shard`: one table of many entries, and everybody who could hold
// it.
//
// All contestants are filled one after the other, each in the order of the keys,
// before anything is measured, and all stay in memory until the end: each lies
// in memory as a fresh one would, and none profits from a cache or an allocator
// that another one left behind. Then every round runs each contestant on each
// number of threads once, in turn, so that what disturbs the machine for a
// while disturbs all of them. The first round warms up and is not counted. What
// is compared are medians of ratios within a round.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <troupe/actors/runtime.hpp>

#include <apps/bench/bare_region.hpp>
#include <apps/bench/crew.hpp>
#include <apps/bench/machine.hpp>
#include <apps/bench/options.hpp>
#include <apps/bench/plain_system.hpp>
#include <apps/bench/report.hpp>
#include <apps/bench/shard/contestant.hpp>
#include <apps/bench/shard/settings.hpp>
#include <apps/bench/statistics.hpp>
#include <apps/bench/subcommands.hpp>
#include <apps/bench/workload.hpp>

namespace troupe::bench {

std::string to_string(workload x) {
  switch (x) {
    case workload::read:
      return "read";
    case workload::batch_read:
      return "batch";
    case workload::write:
      return "write";
    case workload::mix:
      return "mix";
  }
  return "?";
}

namespace {

constexpr workload all_workloads[]
  = {workload::read, workload::batch_read, workload::write, workload::mix};

bool chosen(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// One contestant with one workload on one number of threads.
struct measurement {
  contestant* who = nullptr;
  workload load = workload::read;
  std::size_t threads = 1;
  std::uint64_t requests = 0;        ///< Per thread and pass.
  std::vector<double> nanoseconds{}; ///< Per request and thread, by round.
  std::vector<double> cpu{};         ///< The same, processor time.
  tally done{};                      ///< Of all counted passes.
  tally due{};                       ///< What it should be.
};

/// What a right answer to the first `count` requests adds up to.
tally right_answer(workload load, const request_sequence& requests,
                   std::size_t count) {
  tally result;
  if (load == workload::batch_read)
    count -= count % batch_size;
  for (std::size_t i = 0; i < count; ++i) {
    if (load == workload::write
        || (load == workload::mix && requests.writes(i))) {
      ++result.writes;
    } else {
      ++result.reads;
      ++result.found;
      result.sum += touch(requests.value(i));
    }
  }
  return result;
}

void add(tally& sum, const tally& x) {
  sum.reads += x.reads;
  sum.writes += x.writes;
  sum.found += x.found;
  sum.sum += x.sum;
}

/// The whole run of the subcommand.
class contest {
public:
  explicit contest(const shard_settings& how)
    : how_(how),
      threads_(
        *number_list("threads", how.threads, shard_settings::most_threads)),
      data_(how.entries, how.key_size, how.value_size, how.pooled_keys),
      crew_(*std::max_element(threads_.begin(), threads_.end()),
            how.common.pin) {
    // nop
  }

  void prepare(runtime* home, caf::actor_system& plain);
  void measure();
  [[nodiscard]] report result() const;

private:
  [[nodiscard]] std::shared_ptr<region> open(runtime* home,
                                             std::string name) const;
  void pass(measurement& x, bool counted);
  void plan();
  [[nodiscard]] const measurement* find(const std::string& name, workload load,
                                        std::size_t threads) const;
  [[nodiscard]] table times() const;
  [[nodiscard]] std::vector<expectation> expectations() const;

  shard_settings how_;
  std::vector<std::uint64_t> threads_;
  data_set data_;
  crew crew_;
  noise_meter noise_;
  std::vector<std::unique_ptr<contestant>> contestants_;
  std::vector<request_sequence> sequences_;
  std::vector<measurement> measurements_;
};

/// Opens a region of the runtime, or one on its own when there is none.
std::shared_ptr<region> contest::open(runtime* home, std::string name) const {
  region_options options;
  options.shards = how_.shards;
  return home == nullptr ? open_bare_region(options)
                         : home->open_region(std::move(name), options).value();
}

void contest::prepare(runtime* home, caf::actor_system& plain) {
  auto names = *word_list("contestants", how_.contestants,
                          shard_settings::contestant_names());
  const std::function<std::unique_ptr<contestant>()> makers[] = {
    [&] { return make_region(open(home, "single")); },
    [&] { return make_region_copies(open(home, "copies")); },
    make_absl_map,
    make_tbb_map,
    make_locked_map,
    make_locked_absl_map,
    make_hash,
    make_array,
    [&] { return make_naive_actor(plain, how_.naive_ops); },
  };
  for (std::size_t i = 0; i < std::size(makers); ++i) {
    if (!chosen(names, shard_settings::contestant_names()[i]))
      continue;
    auto who = makers[i]();
    if (who == nullptr) {
      progress("not built in: " + shard_settings::contestant_names()[i]);
      continue;
    }
    progress("filling " + who->what());
    who->fill(data_);
    contestants_.push_back(std::move(who));
  }
  progress("drawing requests");
  for (std::size_t i = 0; i < crew_.size(); ++i)
    sequences_.emplace_back(data_, popularity{how_.zipf}, how_.ops,
                            how_.write_share, 1000 + i);
  plan();
}

void contest::plan() {
  auto names
    = *word_list("workloads", how_.workloads, shard_settings::workload_names());
  for (auto load : all_workloads) {
    if (!chosen(names, to_string(load)))
      continue;
    for (auto threads : threads_)
      for (auto& who : contestants_)
        if (who->takes(load, threads))
          measurements_.push_back(
            {who.get(), load, threads, who->requests(how_.ops)});
  }
}

void contest::measure() {
  for (auto load : all_workloads) {
    for (std::uint64_t round = 0; round <= how_.rounds; ++round) {
      auto any = false;
      for (auto& x : measurements_) {
        if (x.load != load)
          continue;
        pass(x, round > 0);
        any = true;
      }
      if (any)
        progress(to_string(load) + ": "
                 + (round == 0 ? "warmed up"
                               : "round " + std::to_string(round) + " of "
                                   + std::to_string(how_.rounds)));
    }
  }
}

void contest::pass(measurement& x, bool counted) {
  std::vector<tally> done(x.threads);
  auto time = crew_.run(x.threads, [&](std::size_t i) {
    done[i] = x.who->run(x.load, sequences_[i], x.requests);
  });
  if (!counted)
    return;
  for (std::size_t i = 0; i < x.threads; ++i) {
    add(x.done, done[i]);
    add(x.due, right_answer(x.load, sequences_[i], x.requests));
  }
  auto handled = static_cast<double>(done[0].reads + done[0].writes);
  x.nanoseconds.push_back(time.wall * 1e9 / handled);
  x.cpu.push_back(time.cpu * 1e9 / handled / static_cast<double>(x.threads));
}

const measurement* contest::find(const std::string& name, workload load,
                                 std::size_t threads) const {
  for (auto& x : measurements_)
    if (x.who->name() == name && x.load == load && x.threads == threads)
      return &x;
  return nullptr;
}

table contest::times() const {
  table result{"results",
               "ns: of a thread per operation (wall time x threads / "
               "operations); cpu: the same in its processor\ntime; x region: "
               "how many times the region's time",
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
                {"rounds", "", 0},
                {"operations", "", 0},
                {"operations_due", "", 0},
                {"reads", "", 0},
                {"found", "", 0},
                {"correct", "", 0}},
               {}};
  for (auto& x : measurements_) {
    auto ns = summarize(x.nanoseconds);
    auto* ours = find("region", x.load, x.threads);
    auto times
      = ours == nullptr ? summary{} : ratio(x.nanoseconds, ours->nanoseconds);
    auto threads = static_cast<double>(x.threads);
    result.rows.push_back(
      {to_string(x.load), std::uint64_t{x.threads}, x.who->name(),
       x.who->what(), ns.median, ns.least, ns.most, summarize(x.cpu).median,
       1e3 * threads / ns.median, times.median,
       std::uint64_t{x.nanoseconds.size()}, x.done.reads + x.done.writes,
       x.due.reads + x.due.writes, x.done.reads, x.done.found,
       x.done == x.due});
  }
  return result;
}

std::vector<expectation> contest::expectations() const {
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
      times(absl, read), 1.0, true);
  add("read_scaling", "our reads per second on 2 threads / on 1",
      2 * times(read, read2), 1.9, true);
  add("read2_vs_unsynchronised",
      "our reads per second on 2 threads / unsynchronised map's on 1",
      2 * times(absl, read2), 1.9, true);
  for (std::size_t threads : {1U, 2U})
    add("write_vs_tbb_" + std::to_string(threads),
        "our time for a blocking write / oneTBB's, " + std::to_string(threads)
          + " thread(s)",
        times(find("region", workload::write, threads),
              find("tbb", workload::write, threads)),
        1.5, false);
  add("read_vs_naive", "naive design's time for a read / ours, 1 thread",
      times(find("naive", workload::read, 1), read), 50, true);
  add("write_vs_naive", "naive design's time for a write / ours, 1 thread",
      times(find("naive", workload::write, 1), write), 50, true);
  add("batch_vs_read", "our time for a read / for one in a batch, 1 thread",
      // Two workloads do not share rounds; their medians have to do.
      read == nullptr || find("region", workload::batch_read, 1) == nullptr
        ? std::numeric_limits<double>::quiet_NaN()
        : summarize(read->nanoseconds).median
            / summarize(find("region", workload::batch_read, 1)->nanoseconds)
                .median,
      1.0, true);
  return result;
}

report contest::result() const {
  report result;
  result.subcommand = "shard";
  result.machine = describe_machine();
  result.options = values_of(how_);
  result.method = {
    "All contestants hold all entries at the same time, filled in key order;",
    "rounds run them in turn; figures are medians of rounds, ratios medians of",
    "ratios within a round. A read finds the key and looks at two bytes of the",
    "value in place; a write stores the value and returns when it is stored.",
    "Batches hold 16 keys. Peers know string_view keys; no lookup builds a "
    "key.",
    noise_line(noise_),
  };
  result.tables.push_back(times());
  result.expectations = expectations();
  for (auto& x : measurements_)
    if (!(x.done == x.due))
      result.failures.push_back(
        to_string(x.load) + ", " + std::to_string(x.threads) + " threads, "
        + x.who->name() + ": found " + std::to_string(x.done.found) + " of "
        + std::to_string(x.due.found) + " keys");
  return result;
}

} // namespace

int run_shard(const std::vector<std::string>& arguments) {
  auto read
    = read_settings<shard_settings>("shard",
                                    "Reads, writes and a mix of both on a "
                                    "large table: Troupe's region against\n"
                                    "other maps and against the naive actor.",
                                    arguments);
  if (auto* code = std::get_if<int>(&read))
    return *code;
  auto& how = std::get<shard_settings>(read);
  plain_system plain{how.scheduler};
  std::optional<runtime> home;
  if (!how.bare)
    home.emplace();
  contest all{how};
  all.prepare(home ? &*home : nullptr, plain.get());
  all.measure();
  return print(all.result(), how.common.json);
}

} // namespace troupe::bench
