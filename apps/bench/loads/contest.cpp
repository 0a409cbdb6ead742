#include <apps/bench/loads/contest.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <random>
#include <utility>

#include <apps/bench/common/allocations.hpp>
#include <apps/bench/common/statistics.hpp>

namespace troupe::bench {

std::string to_string(load_work x) {
  return load_settings::workload_names()[static_cast<std::size_t>(x)];
}

namespace {

/// Operations per contestant and workload while allocations are counted.
constexpr std::size_t most_counted_loads = 10'000;

bool listed(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<std::size_t> counted_from(std::size_t first, std::size_t count) {
  std::vector<std::size_t> result(count);
  std::iota(result.begin(), result.end(), first);
  return result;
}

std::vector<std::size_t> drawn_below(std::size_t bound, std::size_t count,
                                     std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::uniform_int_distribution<std::size_t> index{0, bound - 1};
  std::vector<std::size_t> result(count);
  std::generate(result.begin(), result.end(), [&] { return index(random); });
  return result;
}

double median_of(load_times x) {
  return summarize(std::move(x)).median;
}

double p99_of(load_times x) {
  if (x.empty())
    return std::numeric_limits<double>::quiet_NaN();
  const auto at
    = x.begin() + static_cast<std::ptrdiff_t>((x.size() - 1) * 99 / 100);
  std::nth_element(x.begin(), at, x.end());
  return *at;
}

std::uint64_t largest(const std::vector<std::uint64_t>& x) {
  return *std::max_element(x.begin(), x.end());
}

} // namespace

load_contest::load_contest(const load_settings& how, runtime& home)
  : how_(how),
    threads_(*number_list("threads", how.threads, load_settings::most_threads)),
    waiters_(*number_list("waiters", how.waiters, load_settings::most_threads)),
    data_(how.entries, how.key_size, how.value_size),
    crew_(largest(threads_), how.common.pin),
    joiners_(largest(waiters_) + 1, false) {
  const auto fresh = how.fresh_keys();
  for (std::size_t i = 0; i < crew_.size(); ++i) {
    present_.emplace_back(data_, drawn_below(how.entries, how.ops, 1 + i));
    missing_.emplace_back(data_, counted_from(how.entries + i * fresh, fresh));
  }
  const auto names = *word_list("contestants", how.contestants,
                                load_settings::contestant_names());
  const std::function<std::unique_ptr<load_contestant>()> makers[] = {
    [&] { return make_load_cache(home); },
    [&] { return make_load_region(home); },
    make_once_map,
    make_future_map,
    make_bare_loader,
  };
  const load_keys all{data_, counted_from(0, how.entries)};
  for (std::size_t i = 0; i < std::size(makers); ++i) {
    if (!listed(names, load_settings::contestant_names()[i]))
      continue;
    contestants_.push_back(makers[i]());
    contestants_.back()->set(all, how.entries);
  }
  plan();
}

void load_contest::plan() {
  const auto names
    = *word_list("workloads", how_.workloads, load_settings::workload_names());
  const std::vector<std::uint64_t> one{1};
  for (std::size_t i = 0; i < load_settings::workload_names().size(); ++i) {
    const auto work = static_cast<load_work>(i);
    if (!listed(names, to_string(work)))
      continue;
    const auto& threads = is_short(work)              ? threads_
                          : work == load_work::joined ? waiters_
                                                      : one;
    for (auto n : threads)
      for (auto& who : contestants_)
        if (who->takes(work))
          measurements_.push_back({who.get(), work, n});
  }
}

void load_contest::measure() {
  for (std::uint64_t round = 0; round <= how_.rounds; ++round) {
    for (auto& x : measurements_)
      pass(x, round > 0);
    progress("loads: "
             + (round == 0 ? "warmed up"
                           : "round " + std::to_string(round) + " of "
                               + std::to_string(how_.rounds)));
  }
  if (counts_allocations())
    count_allocations();
}

load_pass load_contest::short_pass(const measurement& x) {
  std::vector<load_tally> done(x.threads);
  std::vector<load_times> times(x.threads);
  for (auto& y : times)
    y.reserve(how_.ops);
  const auto fresh = x.work == load_work::set || x.work == load_work::miss;
  const auto& keys = fresh ? missing_ : present_;
  const auto time = crew_.run(x.threads, [&](std::size_t i) {
    done[i] = x.who->run(x.work, keys[i], how_.ops, times[i]);
  });
  load_pass result;
  const auto all = how_.ops * x.threads;
  result.due = {all, all, x.work == load_work::miss ? all : 0};
  result.mean = time.wall * 1e9 / static_cast<double>(how_.ops);
  result.cpu = time.cpu * 1e9 / static_cast<double>(all);
  for (std::size_t i = 0; i < x.threads; ++i) {
    result.done.operations += done[i].operations;
    result.done.right += done[i].right;
    result.done.loads += done[i].loads;
    result.times.insert(result.times.end(), times[i].begin(), times[i].end());
    if (fresh)
      x.who->erase(missing_[i], how_.ops);
  }
  return result;
}

void load_contest::pass(measurement& x, bool counted) {
  auto& keys = missing_[0];
  load_pass got;
  if (is_short(x.work))
    got = short_pass(x);
  else if (x.work == load_work::pool)
    got = pool_pass(*x.who, keys, how_.slow_ops);
  else if (x.work == load_work::joined)
    got = joined_pass(*x.who, keys, how_.joins, x.threads, joiners_);
  else if (x.work == load_work::burst)
    got = burst_pass(*x.who, keys, how_.burst);
  else
    got = chain_pass(*x.who, keys, how_.depth);
  if (!is_short(x.work))
    x.who->erase(keys, how_.fresh_keys());
  if (!counted)
    return;
  x.done.operations += got.done.operations;
  x.done.right += got.done.right;
  x.done.loads += got.done.loads;
  x.due.operations += got.due.operations;
  x.due.right += got.due.right;
  x.due.loads += got.due.loads;
  // The mean of a wait would show the machine's longest pauses.
  const auto waits = x.work == load_work::pool || x.work == load_work::joined;
  x.nanoseconds.push_back(waits ? median_of(got.times) : got.mean);
  x.cpu.push_back(got.cpu);
  x.p99.push_back(p99_of(std::move(got.times)));
  x.slowest.push_back(median_of(std::move(got.slowest)));
  x.loader_threads.push_back(static_cast<double>(got.loader_threads));
}

void load_contest::count_allocations() {
  const auto count = std::min<std::size_t>(how_.ops, most_counted_loads);
  for (auto& x : measurements_) {
    if (!is_short(x.work) || x.threads != 1)
      continue;
    const auto fresh = x.work == load_work::set || x.work == load_work::miss;
    load_times times;
    times.reserve(count);
    crew_.run(1, [&](std::size_t) {
      allocation_count calls;
      x.who->run(x.work, fresh ? missing_[0] : present_[0], count, times);
      x.allocations
        = static_cast<double>(calls.value()) / static_cast<double>(count);
    });
    if (fresh)
      x.who->erase(missing_[0], count);
  }
}

} // namespace troupe::bench
