#include <troupe/backends/memory/table.hpp>

#include <new>

namespace troupe::memory {

table::table() : current_(new generation), generation_(current_.load()) {
  publish_counters();
}

table::~table() {
  // Entries in the retired list go back to slabs of generations in it or to
  // the current one, so the list is emptied first.
  retired_.drain();
  delete generation_;
}

bool table::put(const position& where, const hashed_key& key, bytes_view value,
                version_number version, time_point deadline) noexcept {
  auto& blocks = generation_->blocks;
  auto size = entry::block_size(key.key.size(), value.size());
  auto* block = blocks.allocate(size);
  if (block == nullptr)
    return false;
  auto* item = entry::make(block, key.key, value, version, deadline);
  if (!generation_->links.link(where, key.hash, item)) {
    blocks.deallocate(block, size);
    return false;
  }
  count_expiring(*item, true);
  if (where.item != nullptr) {
    retire(*where.item);
  } else {
    resize(this->size() + 1);
    generation_->links.grow(this->size());
  }
  publish_counters();
  return true;
}

void table::remove(const position& where) noexcept {
  generation_->links.unlink(where);
  resize(size() - 1);
  retire(*where.item);
  publish_counters();
}

void table::touch(const position& where, time_point deadline,
                  version_number version) noexcept {
  auto& item = *where.item;
  count_expiring(item, false);
  item.touch(deadline, version);
  count_expiring(item, true);
}

bool table::clear() noexcept {
  generation* fresh = nullptr;
  try {
    fresh = new generation;
  } catch (const std::bad_alloc&) {
    return false;
  }
  auto* old = generation_;
  generation_ = fresh;
  current_.store(fresh, std::memory_order_release);
  resize(0);
  expiring_.store(0, std::memory_order_relaxed);
  hand_ = 0;
  // The list frees in order, so entries of the old generation that are already
  // in it reach their slab before it goes.
  auto free = [](void*, void* object) noexcept {
    delete static_cast<generation*>(object);
  };
  retired_.retire(old, old->blocks.reserved() + old->links.bytes(), free,
                  nullptr);
  retired_.collect();
  publish_counters();
  return true;
}

void table::sweep(time_point now, std::size_t buckets) noexcept {
  auto& links = generation_->links;
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
  auto free = [](void* context, void* object) noexcept {
    auto* item = static_cast<entry*>(object);
    static_cast<generation*>(context)->blocks.deallocate(item, item->size());
  };
  retired_.retire(&x, slab::footprint(x.size()), free, generation_);
}

void table::count_expiring(const entry& x, bool in) noexcept {
  if (x.expires())
    expiring_.store(in ? expiring() + 1 : expiring() - 1,
                    std::memory_order_relaxed);
}

void table::publish_counters() noexcept {
  auto waiting = retired_.bytes();
  retired_bytes_.store(waiting, std::memory_order_relaxed);
  bytes_.store(generation_->blocks.reserved() + generation_->links.bytes(),
               std::memory_order_relaxed);
}

std::string table::validate() const {
  auto found = std::size_t{0};
  generation_->links.for_each(
    [&](const entry& x) { found += x.expires() ? 1 : 0; });
  if (found != expiring())
    return "entries with a deadline are " + std::to_string(found)
           + ", counted " + std::to_string(expiring());
  return generation_->links.validate(size());
}

} // namespace troupe::memory
