#include <apps/bench/shard/contestant.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include <troupe/actors/regions/region.hpp>

namespace troupe::bench {

namespace {

/// A store on a region; `Copy`: batches through `get_many`, not `visit_many`.
template <bool Copy>
class troupe_region final : public store_contestant<troupe_region<Copy>> {
public:
  troupe_region(std::shared_ptr<region> where, std::string name,
                std::string what, std::vector<workload> loads,
                bool bounded = false)
    : store_contestant<troupe_region>(std::move(name), std::move(what),
                                      bounded),
      region_(std::move(where)),
      loads_(std::move(loads)) {
    // nop
  }

  bool takes(workload load, std::size_t) const override {
    return std::find(loads_.begin(), loads_.end(), load) != loads_.end();
  }

  bool read(std::string_view key, std::uint64_t& sum) {
    if constexpr (Copy) {
      auto value = region_->get(key);
      if (!value || !*value)
        return false;
      sum += touch(**value);
      return true;
    } else {
      auto found = region_->visit(
        key, [&](const entry_view& x) { sum += touch(x.value); });
      return found && *found;
    }
  }

  std::uint64_t read_batch(const std::array<std::string_view, batch_size>& keys,
                           std::uint64_t& sum) {
    std::uint64_t found = 0;
    if constexpr (Copy) {
      auto values = region_->get_many(keys);
      if (!values)
        return 0;
      for (auto& x : *values) {
        if (!x)
          continue;
        sum += touch(*x);
        ++found;
      }
    } else {
      auto done
        = region_->visit_many(keys, [&](std::size_t, const entry_view* x) {
            if (x == nullptr)
              return;
            sum += touch(x->value);
            ++found;
          });
      if (!done)
        return 0;
    }
    return found;
  }

  void write(std::string_view key, std::string_view value) {
    auto done = region_->set(key, value);
    if (!done || !*done) [[unlikely]]
      throw std::runtime_error("a write to the region failed");
  }

private:
  std::shared_ptr<region> region_;
  std::vector<workload> loads_;
};

} // namespace

std::unique_ptr<contestant> make_region(std::shared_ptr<region> where) {
  return std::make_unique<troupe_region<false>>(
    std::move(where), "region", "Troupe: visit, visit_many, set",
    std::vector{workload::read, workload::batch_read, workload::write,
                workload::mix, workload::hot});
}

std::unique_ptr<contestant> make_region_copies(std::shared_ptr<region> where) {
  return std::make_unique<troupe_region<true>>(
    std::move(where), "region-copies", "Troupe: get, get_many (a copy each)",
    std::vector{workload::read, workload::batch_read});
}

std::unique_ptr<contestant> make_region_limited(std::shared_ptr<region> where) {
  return std::make_unique<troupe_region<false>>(
    std::move(where), "region-limited", "Troupe under a limit, nothing evicted",
    std::vector{workload::read, workload::batch_read, workload::write});
}

std::unique_ptr<contestant> make_region_full(std::shared_ptr<region> where) {
  return std::make_unique<troupe_region<false>>(
    std::move(where), "region-full", "Troupe with room for a quarter",
    std::vector{workload::full}, true);
}

} // namespace troupe::bench
