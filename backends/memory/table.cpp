#include <troupe/backends/memory/table.hpp>

#include <new>

namespace troupe::memory {

table::table()
  : current_(new generation),
    dying_(
      [](void*, void* x) noexcept { delete static_cast<generation*>(x); },
      nullptr),
    retired_(
      [](void* self, void* x) noexcept {
        auto* item = static_cast<entry*>(x);
        static_cast<table*>(self)->newest().blocks.deallocate(item,
                                                              item->size());
      },
      this) {
  // nop
}

table::~table() {
  // Nobody reads any more. The slab takes its blocks along.
  retired_.forget();
  delete &newest();
}

bool table::put(const position& where, const hashed_key& key, bytes_view value,
                time_point deadline) noexcept {
  auto& [links, blocks] = newest();
  auto size = entry::block_size(key.key.size(), value.size());
  auto* block = blocks.allocate(size);
  if (block == nullptr)
    return false;
  auto* item = entry::make(block, key.key, value, version_ + 1, deadline);
  if (!links.link(where, key.hash, item)) {
    blocks.deallocate(block, size);
    return false;
  }
  ++version_;
  count_expiring(*item, true);
  if (where.item != nullptr) {
    retire(*where.item);
  } else {
    resize(this->size() + 1);
    links.grow(this->size());
  }
  return true;
}

void table::remove(const position& where) noexcept {
  newest().links.unlink(where);
  resize(size() - 1);
  ++version_;
  retire(*where.item);
}

void table::touch(const position& where, time_point deadline) noexcept {
  auto& item = *where.item;
  count_expiring(item, false);
  item.touch(deadline, ++version_);
  count_expiring(item, true);
}

bool table::clear() noexcept {
  generation* fresh = nullptr;
  try {
    fresh = new generation;
  } catch (const std::bad_alloc&) {
    return false;
  }
  auto& old = newest();
  current_.store(fresh, std::memory_order_release);
  resize(0);
  expiring_.store(0, std::memory_order_relaxed);
  hand_ = 0;
  ++version_;
  // The retired entries of the old generation go with its slab.
  retired_.forget();
  dying_.retire(&old, old.blocks.reserved() + old.links.bytes());
  dying_.collect();
  return true;
}

void table::sweep(time_point now, std::size_t buckets) noexcept {
  auto& links = newest().links;
  for (; buckets > 0 && expiring() > 0; --buckets) {
    if (hand_ >= links.bucket_count())
      hand_ = 0;
    links.sweep_bucket(
      hand_++, [now](const entry& x) { return x.dead_at(now); },
      [this](entry& x) {
        resize(size() - 1);
        retire(x);
      });
  }
  collect();
}

/// Gives an unlinked entry's block back once no reader sees it.
void table::retire(entry& x) noexcept {
  count_expiring(x, false);
  retired_.retire(&x, slab::footprint(x.size()));
}

void table::count_expiring(const entry& x, bool in) noexcept {
  if (x.expires())
    expiring_.store(in ? expiring() + 1 : expiring() - 1,
                    std::memory_order_relaxed);
}

std::string table::validate() const {
  auto found = std::size_t{0};
  newest().links.for_each(
    [&](const entry& x) { found += x.expires() ? 1 : 0; });
  if (found != expiring())
    return "entries with a deadline are " + std::to_string(found)
           + ", counted " + std::to_string(expiring());
  return newest().links.validate(size());
}

} // namespace troupe::memory
