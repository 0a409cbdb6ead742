#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <apps/bench/common/options.hpp>

namespace troupe::bench {

/// What `troupe-bench shard` can be told.
struct shard_settings {
  common_options common;
  std::uint64_t entries = 1'000'000;
  std::uint64_t value_size = 64;
  std::uint64_t key_size = 16;
  bool pooled_keys = false;
  double zipf = 0.99;
  std::uint64_t shards = 0;
  bool bare = false;
  std::uint64_t ops = 1'000'000;
  std::uint64_t naive_ops = 20'000;
  std::uint64_t rounds = 9;
  double write_share = 0.05;
  std::string scheduler = "stealing";
  std::string threads = "1,2";
  std::string contestants;
  std::string workloads;

  void declare(option_table& table);
  void shrink();
  [[nodiscard]] expected<void> check() const;

  /// The names that `contestants` and `workloads` may hold, in the order of the
  /// report. Empty lists stand for all of them.
  static const std::vector<std::string>& contestant_names();
  static const std::vector<std::string>& workload_names();

  static constexpr std::size_t most_threads = 256;
};

} // namespace troupe::bench
