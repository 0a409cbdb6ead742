#include <apps/bench/shard/settings.hpp>

#include <algorithm>

#include <apps/bench/common/plain_system.hpp>
#include <apps/bench/shard/contestant.hpp>

namespace troupe::bench {

const std::vector<std::string>& shard_settings::contestant_names() {
  static const std::vector<std::string> names
    = {"region",     "region-copies", "region-limited", "region-full",
       "absl",       "tbb",           "locked",         "locked-absl",
       "locked-lru", "hash",          "array",          "naive"};
  return names;
}

const std::vector<std::string>& shard_settings::workload_names() {
  static const std::vector<std::string> names
    = {"read", "batch", "write", "mix", "full", "hot"};
  return names;
}

void shard_settings::declare(option_table& table) {
  table.add(entries, "entries", "keys in the table")
    .add(value_size, "value-size", "bytes per value")
    .add(key_size, "key-size",
         "bytes per key; std::string holds 15 without allocating")
    .add(pooled_keys, "pooled-keys",
         "requests point into an array of all keys: one more cache miss each")
    .add(zipf, "zipf", "exponent of Zipf's law; 0: uniform")
    .add(shards, "shards",
         "shards of the region, a power of two up to 256; 0: default")
    .add(bare, "bare", "uses the region alone, without a runtime")
    .add(ops, "ops", "requests per thread and pass")
    .add(naive_ops, "naive-ops", "limit of these requests for the naive actor")
    .add(scheduler, "scheduler",
         "CAF's scheduler for the naive actor: stealing or sharing")
    .add(rounds, "rounds", "passes per measurement, after one that warms up")
    .add(write_share, "write-share", "share of writes in the mix, 0 to 1")
    .add(threads, "threads", "numbers of threads, for example 1,2,4")
    .add(contestants, "contestants", "any of " + comma_list(contestant_names()))
    .add(workloads, "workloads", "any of " + comma_list(workload_names()));
  common.declare(table);
}

void shard_settings::shrink() {
  entries = 10'000;
  ops = 20'000;
  naive_ops = 500;
  rounds = 1;
}

expected<void> shard_settings::check() const {
  auto inside = in_range({
    {"entries", entries, 1, 1'000'000'000},
    {"value-size", value_size, 1, 1 << 20},
    {"key-size", key_size, data_set::smallest_key(entries), 1024},
    {"shards", shards, 0, 256},
    {"ops", ops, batch_size, 100'000'000},
    {"naive-ops", naive_ops, 1, 100'000'000},
    {"rounds", rounds, 1, 10'000},
  });
  if (!inside)
    return inside;
  if ((shards & (shards - 1)) != 0)
    return fail(errc::invalid_argument, "--shards must be a power of two");
  if (!(zipf >= 0 && zipf <= 10))
    return fail(errc::invalid_argument, "--zipf must be between 0 and 10");
  if (!(write_share >= 0 && write_share <= 1))
    return fail(errc::invalid_argument,
                "--write-share must be between 0 and 1");
  if (auto ok = one_of("scheduler", scheduler, scheduler_policies()); !ok)
    return ok;
  if (auto ok = number_list("threads", threads, most_threads); !ok)
    return tl::unexpected<error>{ok.error()};
  if (auto ok = word_list("contestants", contestants, contestant_names()); !ok)
    return tl::unexpected<error>{ok.error()};
  if (auto ok = word_list("workloads", workloads, workload_names()); !ok)
    return tl::unexpected<error>{ok.error()};
  auto many = *number_list("threads", threads, most_threads);
  if (workloads == "hot" && *std::max_element(many.begin(), many.end()) < 2)
    return fail(errc::invalid_argument,
                "--workloads=hot needs --threads of 2 or more: one thread "
                "reads, the others write");
  return {};
}

} // namespace troupe::bench
