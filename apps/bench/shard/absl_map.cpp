#include <apps/bench/shard/contestant.hpp>

#ifdef TROUPE_BENCH_HAS_ABSL

#  include <absl/container/flat_hash_map.h>

#  include <apps/bench/shard/locked_map.hpp>

namespace troupe::bench {

namespace {

absl::string_view view(std::string_view x) noexcept {
  return {x.data(), x.size()};
}

/// Understands std::string_view, which Abseil built for C++14 is not.
class map_type : public absl::flat_hash_map<std::string, std::string> {
public:
  auto find(std::string_view key) {
    return flat_hash_map::find(view(key));
  }

  void prefetch(std::string_view key) const {
    flat_hash_map::prefetch(view(key));
  }

  void emplace(std::string_view key, std::string_view value) {
    flat_hash_map::emplace(view(key), value);
  }
};

/// No synchronisation at all: on more than one thread it can only be read.
class absl_map final : public store_contestant<absl_map> {
public:
  absl_map() : store_contestant("absl", "absl::flat_hash_map, unsynchronised") {
    // nop
  }

  bool takes(workload load, std::size_t threads) const override {
    return threads == 1 || load == workload::read
           || load == workload::batch_read;
  }

  bool read(std::string_view key, std::uint64_t& sum) {
    auto i = map_.find(key);
    if (i == map_.end())
      return false;
    sum += touch(i->second);
    return true;
  }

  std::uint64_t read_batch(const std::array<std::string_view, batch_size>& keys,
                           std::uint64_t& sum) {
    std::uint64_t found = 0;
    for (auto key : keys)
      map_.prefetch(key);
    for (auto key : keys)
      found += read(key, sum) ? 1 : 0;
    return found;
  }

  void write(std::string_view key, std::string_view value) {
    // insert_or_assign, without building a string from the value.
    if (auto i = map_.find(key); i != map_.end())
      i->second.assign(value);
    else
      map_.emplace(key, value);
  }

private:
  map_type map_;
};

} // namespace

std::unique_ptr<contestant> make_absl_map() {
  return std::make_unique<absl_map>();
}

std::unique_ptr<contestant> make_locked_absl_map() {
  return std::make_unique<locked_maps<map_type>>(
    "locked-absl", "64 x shared_mutex + absl::flat_hash_map");
}

} // namespace troupe::bench

#else // TROUPE_BENCH_HAS_ABSL

namespace troupe::bench {

std::unique_ptr<contestant> make_absl_map() {
  return nullptr;
}

std::unique_ptr<contestant> make_locked_absl_map() {
  return nullptr;
}

} // namespace troupe::bench

#endif // TROUPE_BENCH_HAS_ABSL
