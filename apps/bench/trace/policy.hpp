#pragma once

// A cache that takes part in `troupe-bench trace`: entries without values, all
// of the same size. What is compared is only which keys it keeps.
//
// A policy sees keys as numbers below the number of unique keys, so that its
// bookkeeping is arrays and not maps. To add a contestant: derive from `policy`
// in a file of its own, declare its maker below, add a row to policies.cpp.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench {

/// A key's place in the order of first appearance in its trace.
using key_id = std::uint32_t;

/// The requested keys, in order.
struct key_trace {
  std::vector<key_id> requests; ///< Each below `unique`.
  std::size_t unique = 0;       ///< How many different keys there are.
};

/// A simulated cache. Not thread-safe.
class policy {
public:
  policy() = default;

  virtual ~policy() = default;

  policy(const policy&) = delete;
  policy& operator=(const policy&) = delete;

  /// Handles the next request of the trace; returns whether it was a hit. A miss stores
  /// the key, and evicts another one if there is no room. Amortised constant time, except
  /// for the optimum, which takes logarithmic time.
  virtual bool access(key_id key) = 0;

  /// How many entries it holds: between accesses, its capacity at most.
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
};

/// Builds a policy for `trace` with room for `capacity` >= 1 entries. The trace
/// must outlive the policy; only the optimum looks at its requests in advance.
using policy_maker
  = std::unique_ptr<policy> (*)(const key_trace& trace, std::size_t capacity);

std::unique_ptr<policy> make_opt(const key_trace& trace, std::size_t capacity);
std::unique_ptr<policy> make_fifo(const key_trace& trace, std::size_t capacity);
std::unique_ptr<policy> make_lru(const key_trace& trace, std::size_t capacity);
std::unique_ptr<policy> make_clock(const key_trace& trace,
                                   std::size_t capacity);
std::unique_ptr<policy> make_sieve(const key_trace& trace,
                                   std::size_t capacity);
std::unique_ptr<policy> make_s3_fifo(const key_trace& trace,
                                     std::size_t capacity);
std::unique_ptr<policy> make_arc(const key_trace& trace, std::size_t capacity);
std::unique_ptr<policy> make_w_tiny_lfu(const key_trace& trace,
                                        std::size_t capacity);

/// Not a simulation but the table of one shard. Keys are hashed with a seed of the
/// process's own, so that its hits differ a little from run to run.
std::unique_ptr<policy> make_engine(const key_trace& trace,
                                    std::size_t capacity);

/// A row in the list of contestants.
struct contestant_policy {
  std::string_view name;  ///< A word for options and JSON.
  std::string_view title; ///< Its name in tables.
  policy_maker make;
};

/// All contestants, in the order of the report.
[[nodiscard]] const std::vector<contestant_policy>& all_policies();

/// Their names, in the same order.
[[nodiscard]] std::vector<std::string> policy_names();

/// The contestant called `name`, which must be one of `policy_names()`.
[[nodiscard]] const contestant_policy& policy_called(std::string_view name);

} // namespace troupe::bench
