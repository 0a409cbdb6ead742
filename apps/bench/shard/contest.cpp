#include <apps/bench/shard/contest.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iterator>
#include <utility>

#include <troupe/actors/runtime.hpp>

#include <apps/bench/common/allocations.hpp>
#include <apps/bench/common/bare_region.hpp>

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
    case workload::full:
      return "full";
    case workload::hot:
    case workload::hot_write:
      return "hot";
  }
  return "?";
}

namespace {

constexpr workload all_workloads[]
  = {workload::read, workload::batch_read, workload::write,
     workload::mix,  workload::full,       workload::hot};

/// Of the keys, what a full table has room for.
constexpr std::uint64_t full_share = 4;

/// Writes of the hot key between looks at whether its reader is done; even, so
/// that the key gets its own value back.
constexpr std::size_t hot_writes = 256;

/// Requests per contestant and workload while allocations are counted.
constexpr std::size_t most_counted = 20'000;

bool chosen(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// What a right answer to the first `count` requests adds up to.
tally right_answer(workload load, const request_sequence& requests,
                   std::size_t count) {
  tally result;
  if (load == workload::hot) {
    result.reads = result.found = count; // And none saw a wrong value.
    return result;
  }
  if (load == workload::batch_read)
    count -= count % batch_size;
  for (std::size_t i = 0; i < count; ++i) {
    if (load == workload::write || load == workload::full
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

} // namespace

/// Opens a region of the runtime, or one on its own when there is none; it holds
/// `entries` at most, 0 for no limit.
std::shared_ptr<region> shard_contest::open(runtime* home, std::string name,
                                            std::uint64_t entries) const {
  region_options options;
  options.shards = how_.shards;
  options.max_entries = entries;
  return home == nullptr ? open_bare_region(options)
                         : home->open_region(std::move(name), options).value();
}

void shard_contest::prepare(runtime* home, caf::actor_system& plain) {
  auto names = *word_list("contestants", how_.contestants,
                          shard_settings::contestant_names());
  const auto room = std::max<std::uint64_t>(how_.entries / full_share, 1);
  const std::function<std::unique_ptr<contestant>()> makers[] = {
    [&] { return make_region(open(home, "single")); },
    [&] { return make_region_copies(open(home, "copies")); },
    [&] {
      return make_region_limited(open(home, "limited", 2 * how_.entries));
    },
    [&] { return make_region_full(open(home, "full", room)); },
    make_absl_map,
    make_tbb_map,
    make_locked_map,
    make_locked_absl_map,
    [&] { return make_locked_lru(room); },
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

void shard_contest::plan() {
  auto names
    = *word_list("workloads", how_.workloads, shard_settings::workload_names());
  for (auto load : all_workloads) {
    if (!chosen(names, to_string(load)))
      continue;
    for (auto threads : threads_)
      for (auto& who : contestants_)
        if ((load == workload::full) == who->bounded()
            && (load != workload::hot || threads > 1)
            && who->takes(load, threads))
          measurements_.push_back(
            {who.get(), load, threads, who->requests(how_.ops)});
  }
}

void shard_contest::measure() {
  for (auto load : all_workloads) {
    for (std::uint64_t round = 0; round <= how_.rounds; ++round) {
      auto any = false;
      for (auto& x : measurements_) {
        if (x.load != load)
          continue;
        if (load == workload::hot)
          hot_pass(x, round > 0);
        else
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
  if (counts_allocations())
    count_allocations();
}

void shard_contest::pass(measurement& x, bool counted) {
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

void shard_contest::hot_pass(measurement& x, bool counted) {
  std::vector<tally> done(x.threads);
  std::atomic<bool> over{false};
  double seconds = 0;
  crew_.run(x.threads, [&](std::size_t i) {
    if (i > 0) {
      while (!over.load(std::memory_order_relaxed))
        add(done[i],
            x.who->run(workload::hot_write, sequences_[0], hot_writes));
      return;
    }
    auto from = stopwatch::now();
    done[0] = x.who->run(workload::hot, sequences_[0], x.requests);
    seconds = std::chrono::duration<double>(stopwatch::now() - from).count();
    over.store(true, std::memory_order_relaxed);
  });
  if (!counted)
    return;
  tally written;
  for (std::size_t i = 1; i < x.threads; ++i)
    add(written, done[i]);
  add(x.done, done[0]);
  add(x.done, written);
  add(x.due, right_answer(x.load, sequences_[0], x.requests));
  x.due.writes += written.writes; // As many as there was time for.
  x.nanoseconds.push_back(seconds * 1e9 / static_cast<double>(done[0].reads));
  x.writes.push_back(static_cast<double>(written.writes) / seconds);
}

void shard_contest::count_allocations() {
  for (auto& x : measurements_) {
    if (x.threads != 1)
      continue;
    std::uint64_t calls = 0;
    tally done;
    crew_.run(1, [&](std::size_t) {
      allocation_count count;
      done = x.who->run(x.load, sequences_[0],
                        std::min<std::size_t>(x.requests, most_counted));
      calls = count.value();
    });
    allocations_.push_back({x.who, x.load,
                            static_cast<double>(calls)
                              / static_cast<double>(done.reads + done.writes)});
  }
}

} // namespace troupe::bench
