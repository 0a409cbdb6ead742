#include <apps/bench/trace/policy.hpp>

#include <algorithm>

namespace troupe::bench {

const std::vector<contestant_policy>& all_policies() {
  static const std::vector<contestant_policy> rows = {
    {"opt", "OPT", make_opt},
    {"fifo", "FIFO", make_fifo},
    {"lru", "LRU", make_lru},
    {"clock", "CLOCK", make_clock},
    {"sieve", "SIEVE", make_sieve},
    {"s3-fifo", "S3-FIFO", make_s3_fifo},
    {"arc", "ARC", make_arc},
    {"w-tinylfu", "W-TinyLFU", make_w_tiny_lfu},
    {"troupe", "Troupe", make_engine},
  };
  return rows;
}

std::vector<std::string> policy_names() {
  std::vector<std::string> result;
  for (auto& x : all_policies())
    result.emplace_back(x.name);
  return result;
}

const contestant_policy& policy_called(std::string_view name) {
  auto& rows = all_policies();
  return *std::find_if(rows.begin(), rows.end(),
                       [&](auto& x) { return x.name == name; });
}

} // namespace troupe::bench
