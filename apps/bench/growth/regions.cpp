#include <apps/bench/growth/store.hpp>

#include <stdexcept>
#include <vector>

#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/backends/memory/space/chunk_pool.hpp>

#include <apps/bench/common/bare_region.hpp>

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

/// Writes to fresh pages as a table of as many entries does, small pages and no
/// more than that: what the system needs to come up with memory.
class fresh_pages final : public growing_store {
public:
  fresh_pages() = default;

  ~fresh_pages() override {
    for (auto* x : extents_)
      memory::unmap_pages(x, extent_size);
  }

  fresh_pages(const fresh_pages&) = delete;
  fresh_pages& operator=(const fresh_pages&) = delete;

  void insert(std::string_view key, std::string_view value) override {
    // Of the entry's header and its share of the index, about.
    constexpr std::size_t overhead = 56;
    ++size_;
    used_ += key.size() + value.size() + overhead;
    while (touched_ < used_) {
      if (touched_ % extent_size == 0)
        extents_.push_back(memory::map_pages(extent_size));
      auto* extent = static_cast<volatile char*>(extents_.back());
      extent[touched_ % extent_size] = 1;
      touched_ += memory::chunk_pool::smallest_chunk;
    }
  }

  std::uint64_t size() const override {
    return size_;
  }

private:
  static constexpr auto extent_size = memory::chunk_pool::extent_size;

  std::vector<void*> extents_;
  std::size_t used_ = 0;
  std::size_t touched_ = 0;
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

void add_growth_floors(std::vector<growing_store_entry>& list) {
  list.push_back({"empty-loop",
                  "nothing but the loop: the machine's own pauses",
                  [] { return std::make_unique<empty_loop>(); }, false, false});
  list.push_back(
    {"fresh-pages", "as much fresh memory and no table: the system's share",
     [] { return std::make_unique<fresh_pages>(); }, false, false});
}

void add_regions(std::vector<growing_store_entry>& list) {
  list.push_back({"region-1", "Troupe, 1 shard",
                  [] { return std::make_unique<growing_region>(1); }, true});
  list.push_back({"region", "Troupe, default shards",
                  [] { return std::make_unique<growing_region>(0); }, true});
}

} // namespace troupe::bench
