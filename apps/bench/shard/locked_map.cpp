#include <apps/bench/shard/locked_map.hpp>

#include <unordered_map>

namespace troupe::bench {

std::unique_ptr<contestant> make_locked_map() {
  using map = std::unordered_map<std::string, std::string, any_string_hash,
                                 std::equal_to<>>;
  return std::make_unique<locked_maps<map>>(
    "locked", "64 x shared_mutex + unordered_map");
}

} // namespace troupe::bench
