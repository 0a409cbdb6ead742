#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <apps/bench/common/options.hpp>

namespace troupe::bench {

/// The options of `troupe-bench loads`.
struct load_settings {
  common_options common;
  std::uint64_t entries = 100'000;
  std::uint64_t value_size = 64;
  std::uint64_t key_size = 16;
  std::uint64_t ops = 50'000;
  std::uint64_t slow_ops = 2'000;
  std::uint64_t joins = 300;
  std::uint64_t burst = 1'000;
  std::uint64_t depth = 1'000;
  std::uint64_t rounds = 9;
  std::string threads = "1,2";
  std::string waiters = "1,8";
  std::string contestants;
  std::string workloads;

  void declare(option_table& table);
  void shrink();
  [[nodiscard]] expected<void> check() const;

  /// The number of keys that one pass of one thread adds, at most.
  [[nodiscard]] std::uint64_t fresh_keys() const;

  /// The words that `contestants` and `workloads` accept, in the order of the report.
  /// An empty list means all of them.
  static const std::vector<std::string>& contestant_names();
  static const std::vector<std::string>& workload_names();

  static constexpr std::size_t most_threads = 64;
};

} // namespace troupe::bench
