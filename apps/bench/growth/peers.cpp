#include <apps/bench/growth/store.hpp>

#include <unordered_map>

#ifdef TROUPE_BENCH_HAS_TBB
#  include <tbb/concurrent_hash_map.h>
#endif

#ifdef TROUPE_BENCH_HAS_ABSL
#  include <absl/container/flat_hash_map.h>
#endif

namespace troupe::bench {

namespace {

template <class Map>
class growing_map final : public growing_store {
public:
  void insert(std::string_view key, std::string_view value) override {
    map_.emplace(std::string{key}, std::string{value});
  }

  std::uint64_t size() const override {
    return map_.size();
  }

private:
  Map map_;
};

template <template <class...> class Map>
void add(std::vector<growing_store_entry>& list, std::string name,
         std::string what) {
  list.push_back(
    {std::move(name), std::move(what), [] {
       return std::make_unique<growing_map<Map<std::string, std::string>>>();
     }});
}

} // namespace

void add_growing_peers(std::vector<growing_store_entry>& list) {
  add<std::unordered_map>(list, "unordered_map", "std::unordered_map");
#ifdef TROUPE_BENCH_HAS_ABSL
  add<absl::flat_hash_map>(list, "absl", "absl::flat_hash_map");
#endif
#ifdef TROUPE_BENCH_HAS_TBB
  add<tbb::concurrent_hash_map>(list, "tbb", "tbb::concurrent_hash_map");
#endif
}

} // namespace troupe::bench
