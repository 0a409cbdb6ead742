#include <apps/bench/growth/store.hpp>

#include <stdexcept>

#include <troupe/actors/region.hpp>

#include <apps/bench/bare_region.hpp>

namespace troupe::bench {

namespace {

class empty_loop final : public growing_store {
public:
  void insert(std::string_view key, std::string_view) override {
    size_ += key.empty() ? 0 : 1;
  }

  std::uint64_t size() const override {
    return size_;
  }

private:
  std::uint64_t size_ = 0;
};

class growing_region final : public growing_store {
public:
  explicit growing_region(std::size_t shards) : region_(open(shards)) {
    // nop
  }

  void insert(std::string_view key, std::string_view value) override {
    auto done = region_->set(key, value);
    if (!done || !*done) [[unlikely]]
      throw std::runtime_error("an insert into the region failed");
  }

  std::uint64_t size() const override {
    return region_->size();
  }

private:
  static std::shared_ptr<region> open(std::size_t shards) {
    region_options options;
    options.shards = shards;
    return open_bare_region(options);
  }

  std::shared_ptr<region> region_;
};

} // namespace

void add_empty_loop(std::vector<growing_store_entry>& list) {
  list.push_back({"empty-loop",
                  "nothing but the loop: the machine's own pauses",
                  [] { return std::make_unique<empty_loop>(); }, false, false});
}

void add_regions(std::vector<growing_store_entry>& list) {
  list.push_back({"region-1", "Troupe, 1 shard",
                  [] { return std::make_unique<growing_region>(1); }, true});
  list.push_back({"region", "Troupe, default shards",
                  [] { return std::make_unique<growing_region>(0); }, true});
}

} // namespace troupe::bench
