#pragma once

// What many write first when one lock got too hot: 64 maps, a shared_mutex each.

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apps/bench/shard/contestant.hpp>

namespace troupe::bench {

/// Hashes strings and views alike, so that a lookup builds no string.
struct any_string_hash {
  using is_transparent = void;

  std::size_t operator()(std::string_view x) const noexcept {
    return std::hash<std::string_view>{}(x);
  }
};

/// `Map` finds by string_view and is a map from std::string to std::string.
template <class Map>
class locked_maps final : public store_contestant<locked_maps<Map>> {
public:
  using store_contestant<locked_maps>::store_contestant;

  bool takes(workload load, std::size_t) const override {
    return load != workload::batch_read;
  }

  bool read(std::string_view key, std::uint64_t& sum) {
    auto& home = part_of(key);
    std::shared_lock guard{home.mutex};
    auto i = home.map.find(key);
    if (i == home.map.end())
      return false;
    sum += touch(i->second);
    return true;
  }

  void write(std::string_view key, std::string_view value) {
    auto& home = part_of(key);
    std::unique_lock guard{home.mutex};
    // insert_or_assign, which takes no string_view for the key.
    if (auto i = home.map.find(key); i != home.map.end())
      i->second.assign(value);
    else
      home.map.emplace(key, value);
  }

private:
  struct alignas(64) part {
    std::shared_mutex mutex;
    Map map;
  };

  static constexpr std::size_t parts = 64;

  part& part_of(std::string_view key) {
    // Bits that choose no bucket for a long time.
    return parts_[(any_string_hash{}(key) >> 48) % parts];
  }

  std::unique_ptr<part[]> parts_ = std::make_unique<part[]>(parts);
};

} // namespace troupe::bench
