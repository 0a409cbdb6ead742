#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <apps/bench/shard/locked_map.hpp>

namespace troupe::bench {

namespace {

/// Parts with a mutex each; in each, a list in the order of use and a map into it.
class locked_lru final : public store_contestant<locked_lru> {
public:
  explicit locked_lru(std::size_t entries)
    : store_contestant("locked-lru", "64 x mutex + list + unordered_map, LRU",
                       true),
      most_(entries / parts + 1) {
    // nop
  }

  bool takes(workload, std::size_t) const override {
    return true;
  }

  bool read(std::string_view key, std::uint64_t& sum) {
    auto& home = part_of(key);
    std::lock_guard guard{home.mutex};
    auto i = home.places.find(key);
    if (i == home.places.end())
      return false;
    home.order.splice(home.order.begin(), home.order, i->second);
    sum += touch(i->second->second);
    return true;
  }

  void write(std::string_view key, std::string_view value) {
    auto& home = part_of(key);
    std::lock_guard guard{home.mutex};
    if (auto i = home.places.find(key); i != home.places.end()) {
      i->second->second.assign(value);
      home.order.splice(home.order.begin(), home.order, i->second);
      return;
    }
    if (home.places.size() >= most_) {
      home.places.erase(home.order.back().first);
      home.order.pop_back();
    }
    home.order.emplace_front(key, value);
    home.places.emplace(home.order.front().first, home.order.begin());
  }

private:
  using entry_list = std::list<std::pair<std::string, std::string>>;

  struct alignas(64) part {
    std::mutex mutex;
    entry_list order; ///< The one used last in front.
    std::unordered_map<std::string_view, entry_list::iterator, any_string_hash>
      places;
  };

  static constexpr std::size_t parts = 64;

  part& part_of(std::string_view key) {
    return parts_[(any_string_hash{}(key) >> 48) % parts];
  }

  std::size_t most_;
  std::unique_ptr<part[]> parts_ = std::make_unique<part[]>(parts);
};

} // namespace

std::unique_ptr<contestant> make_locked_lru(std::size_t entries) {
  return std::make_unique<locked_lru>(entries);
}

} // namespace troupe::bench
