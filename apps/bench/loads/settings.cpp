#include <apps/bench/loads/settings.hpp>

#include <algorithm>

#include <apps/bench/common/workload.hpp>

namespace troupe::bench {

const std::vector<std::string>& load_settings::contestant_names() {
  static const std::vector<std::string> names
    = {"cache", "region", "once", "futures", "loader"};
  return names;
}

const std::vector<std::string>& load_settings::workload_names() {
  static const std::vector<std::string> names
    = {"get", "hit", "set", "miss", "pool", "joined", "burst", "chain"};
  return names;
}

void load_settings::declare(option_table& table) {
  table.add(entries, "entries", "keys that are present before each pass")
    .add(value_size, "value-size", "bytes per value")
    .add(key_size, "key-size", "bytes per key")
    .add(ops, "ops", "operations per thread and pass: get, hit, set, miss")
    .add(slow_ops, "slow-ops", "the same for misses through a pool")
    .add(joins, "joins", "loads per pass that others wait for")
    .add(burst, "burst", "misses that are asked for at once")
    .add(depth, "depth", "levels of a chain of loads that load")
    .add(rounds, "rounds", "passes per measurement, after one that warms up")
    .add(threads, "threads", "numbers of threads, for example 1,2")
    .add(waiters, "waiters", "numbers of waiters of a load, for example 1,8")
    .add(contestants, "contestants", "any of " + comma_list(contestant_names()))
    .add(workloads, "workloads", "any of " + comma_list(workload_names()));
  common.declare(table);
}

void load_settings::shrink() {
  entries = 2'000;
  ops = 2'000;
  slow_ops = 50;
  joins = 10;
  burst = 100;
  depth = 100;
  rounds = 1;
}

std::uint64_t load_settings::fresh_keys() const {
  return std::max({ops, slow_ops, joins, burst, depth});
}

expected<void> load_settings::check() const {
  auto inside = in_range({
    {"entries", entries, 1, 100'000'000},
    {"value-size", value_size, 1, 1 << 20},
    {"ops", ops, 1, 10'000'000},
    {"slow-ops", slow_ops, 1, 1'000'000},
    {"joins", joins, 1, 1'000'000},
    // A runtime's queue of loads has this length.
    {"burst", burst, 1, 16'384},
    {"depth", depth, 1, 10'000},
    {"rounds", rounds, 1, 10'000},
  });
  if (!inside)
    return inside;
  const auto many = number_list("threads", threads, most_threads);
  if (!many)
    return tl::unexpected<error>{many.error()};
  const auto keys
    = entries + *std::max_element(many->begin(), many->end()) * fresh_keys();
  if (auto ok
      = in_range("key-size", key_size, data_set::smallest_key(keys), 1024);
      !ok)
    return ok;
  if (auto ok = number_list("waiters", waiters, most_threads); !ok)
    return tl::unexpected<error>{ok.error()};
  if (auto ok = word_list("contestants", contestants, contestant_names()); !ok)
    return tl::unexpected<error>{ok.error()};
  if (auto ok = word_list("workloads", workloads, workload_names()); !ok)
    return tl::unexpected<error>{ok.error()};
  return {};
}

} // namespace troupe::bench
