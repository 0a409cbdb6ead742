#pragma once

#include <string>
#include <vector>

namespace troupe::bench {

// Each reads its own options, measures, prints and returns the exit code.

/// Reads and writes of a large table against other maps.
int run_shard(const std::vector<std::string>& arguments);

/// Ways to free memory that readers may still look at.
int run_reclamation(const std::vector<std::string>& arguments);

/// The price of one operation through a mailbox.
int run_mailbox(const std::vector<std::string>& arguments);

/// The cost of loads beyond their loaders.
int run_loads(const std::vector<std::string>& arguments);

/// The longest pause while a table grows, and memory per entry.
int run_growth(const std::vector<std::string>& arguments);

/// The costs of many unused regions.
int run_regions(const std::vector<std::string>& arguments);

/// The server beside redis-server, under redis-benchmark.
int run_net(const std::vector<std::string>& arguments);

/// A server that answers without looking, for `run_net`; runs until it is killed.
int run_constants(const std::vector<std::string>& arguments);

/// Hit ratios of eviction policies on traces.
int run_trace(const std::vector<std::string>& arguments);

} // namespace troupe::bench
