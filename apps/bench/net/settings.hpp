#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <apps/bench/common/options.hpp>

namespace troupe::bench {

/// What `troupe-bench net` can be told.
struct net_settings {
  common_options common;
  std::uint64_t requests = 1'000'000;
  std::uint64_t slow_requests = 200'000;
  std::uint64_t clients = 50;
  std::uint64_t keys = 1'000'000;
  std::uint64_t rounds = 3;
  std::uint64_t threads = 0;
  std::uint64_t client_threads = 1;
  std::string pipelines = "1,16";
  std::string sizes = "64,1024";
  std::string tests;
  std::string contestants;
  std::string redis = "redis-server";

  void declare(option_table& table);
  void shrink();
  [[nodiscard]] expected<void> check() const;

  // What `pipelines` and so on hold, which must have passed `check`, one by one.
  [[nodiscard]] std::vector<std::uint64_t> pipeline_list() const;
  [[nodiscard]] std::vector<std::uint64_t> size_list() const;
  [[nodiscard]] std::vector<std::string> test_list() const;
  [[nodiscard]] std::vector<std::string> contestant_list() const;

  /// How many requests one measurement takes. One MSET sets ten keys, so that
  /// there are a tenth as many.
  [[nodiscard]] std::uint64_t requests_of(const std::string& test,
                                          std::uint64_t pipeline) const;

  static const std::vector<std::string>& test_names();
  static const std::vector<std::string>& contestant_names();
};

} // namespace troupe::bench
