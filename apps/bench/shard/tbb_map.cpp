#include <apps/bench/shard/contestant.hpp>

#ifdef TROUPE_BENCH_HAS_TBB

#  include <tbb/concurrent_hash_map.h>

#  include <apps/bench/shard/locked_map.hpp>

namespace troupe::bench {

namespace {

/// TBB's way to find by string_view. std::hash is also the faster function: the
/// one that comes with TBB goes byte by byte.
struct hash_compare {
  using is_transparent = void;

  static std::size_t hash(std::string_view x) noexcept {
    return any_string_hash{}(x);
  }

  static bool equal(std::string_view x, std::string_view y) noexcept {
    return x == y;
  }
};

class tbb_map final : public store_contestant<tbb_map> {
public:
  tbb_map() : store_contestant("tbb", "tbb::concurrent_hash_map") {
    // nop
  }

  bool takes(workload load, std::size_t) const override {
    return load != workload::batch_read;
  }

  bool read(std::string_view key, std::uint64_t& sum) {
    map_type::const_accessor entry;
    if (!map_.find(entry, key))
      return false;
    sum += touch(entry->second);
    return true;
  }

  void write(std::string_view key, std::string_view value) {
    map_type::accessor entry;
    map_.insert(entry, key);
    entry->second.assign(value);
  }

private:
  using map_type
    = tbb::concurrent_hash_map<std::string, std::string, hash_compare>;

  map_type map_;
};

} // namespace

std::unique_ptr<contestant> make_tbb_map() {
  return std::make_unique<tbb_map>();
}

} // namespace troupe::bench

#else // TROUPE_BENCH_HAS_TBB

namespace troupe::bench {

std::unique_ptr<contestant> make_tbb_map() {
  return nullptr;
}

} // namespace troupe::bench

#endif // TROUPE_BENCH_HAS_TBB
