// The part of a region that concerns all of its shards at once: forgetting, and
// limits.

#include <troupe/actors/region.hpp>

#include <algorithm>
#include <new>
#include <vector>

namespace troupe {

using memory::budget;

expected<void> region::check_shards() const {
  for (auto& x : shards_)
    if (auto why = x->refusal())
      return tl::unexpected{std::move(*why)};
  return {};
}

template <class F>
expected<void> region::tell_tables(F f) {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    auto told = shards_[i]->run([&](memory::store& store) -> expected<void> {
      f(store.limits(), i);
      return {};
    });
    if (!told)
      return told;
  }
  return {};
}

// -- forgetting --------------------------------------------------------------------

expected<void> region::clear() {
  if (auto ok = check_shards(); !ok)
    return ok;
  forgotten_->clear();
  // The space, where a shard is idle; the others give theirs back in their next
  // turn.
  for (auto& x : shards_)
    x->try_sweep();
  return {};
}

expected<void> region::invalidate_tag(bytes_view name) {
  if (auto ok = check_shards(); !ok)
    return ok;
  try {
    forgotten_->invalidate(tags::mark_of(name));
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
  }
  return {};
}

expected<void> region::on_removal(removal_listener listener,
                                  std::size_t limit) {
  if (auto ok = check_shards(); !ok)
    return ok;
  auto fresh = listener ? std::make_shared<removal_queue>(
                            std::move(listener), loads_->workers(), limit)
                        : nullptr;
  std::lock_guard guard{listening_};
  if (fresh != nullptr)
    removals_.push_back(fresh);
  return tell_tables([sink = fresh.get()](memory::table& table, std::size_t) {
    table.set_removals(sink);
  });
}

// -- limits ------------------------------------------------------------------------

std::size_t region::max_bytes() const noexcept {
  return bytes_->option();
}

std::size_t region::max_entries() const noexcept {
  return entries_->option();
}

eviction_policy region::eviction() const noexcept {
  return eviction_.load(std::memory_order_relaxed);
}

expected<void> region::set_limits(std::size_t max_bytes,
                                  std::size_t max_entries) {
  auto wanted = options_;
  wanted.max_bytes = max_bytes;
  wanted.max_entries = max_entries;
  if (auto ok = check(wanted).and_then([this] { return check_shards(); }); !ok)
    return ok;
  bytes_->set_limit(budget::limit_of(max_bytes));
  entries_->set_limit(budget::limit_of(max_entries));
  return obey_limits();
}

expected<void> region::set_eviction(eviction_policy x) {
  if (auto ok = check_shards(); !ok)
    return ok;
  eviction_.store(x, std::memory_order_relaxed);
  return tell_tables([x](memory::table& table, std::size_t) {
    table.set_eviction(x);
  });
}

void region::rebalance() {
  if (bytes_->limit() != budget::unlimited
      || entries_->limit() != budget::unlimited)
    balance_.look(all_shards());
}

expected<void> region::obey_limits(double part) {
  // Each gives in proportion to what it has now: what it may keep must not depend
  // on who gave before.
  struct figures {
    std::size_t bytes;
    std::size_t entries;
  };
  std::vector<figures> present;
  figures sum{0, 0};
  for (auto& x : shards_) {
    auto& entries = x->store().entries();
    present.push_back({entries.charged(), entries.size()});
    sum.bytes += present.back().bytes;
    sum.entries += present.back().entries;
  }
  auto bytes_part = std::min(part, bytes_->part_of(sum.bytes));
  auto entries_part = entries_->part_of(sum.entries);
  auto cut = [](std::size_t n, double x) {
    return static_cast<std::size_t>(static_cast<double>(n) * x);
  };
  return tell_tables([&](memory::table& table, std::size_t i) {
    table.obey_limits(cut(present[i].bytes, bytes_part),
                      cut(present[i].entries, entries_part));
  });
}

} // namespace troupe
