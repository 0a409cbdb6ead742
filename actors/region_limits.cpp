// The part of a region that concerns all of its shards at once: forgetting, and
// limits.

#include <troupe/actors/region.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace troupe {

using memory::budget;

expected<void> region::check_shards() const {
  for (auto& x : shards_.groups())
    if (auto ok = x->check(); !ok)
      return ok;
  return {};
}

// -- forgetting --------------------------------------------------------------------

expected<void> region::clear() {
  if (auto ok = check_shards(); !ok)
    return ok;
  for (auto& x : shards_.groups())
    x->clear();
  for (auto& x : shards_.groups())
    x->tidy();
  return {};
}

expected<void> region::invalidate_tag(bytes_view name) {
  if (auto ok = check_shards(); !ok)
    return ok;
  if (name.size() > tags::longest)
    return fail(errc::invalid_argument,
                "the name of the tag has " + std::to_string(name.size())
                  + " bytes, tags have up to "
                  + std::to_string(tags::longest));
  if (!tags_->invalidate(name))
    return fail(errc::invalid_argument,
                "invalidate_tag was called by a function that changes a tagged "
                "entry in its shard's turn; call it after transform returned");
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
  for (auto& x : shards_.groups()) {
    auto told = x->tell_tables([&fresh](memory::table& table, std::size_t) {
      table.set_removals(fresh.get());
    });
    if (!told)
      return told;
  }
  return {};
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
  shards_.groups()[0]->limit(max_bytes, max_entries);
  return obey_limits();
}

expected<void> region::set_eviction(eviction_policy x) {
  if (auto ok = check_shards(); !ok)
    return ok;
  eviction_.store(x, std::memory_order_relaxed);
  for (auto& group : shards_.groups())
    if (group->follows())
      if (auto told = group->set_eviction(x); !told)
        return told;
  return {};
}

void region::rebalance() {
  // The first group's limits are the region's, and balanced over all shards.
  for (std::size_t i = 1; i < shards_.groups().size(); ++i)
    shards_.groups()[i]->rebalance();
  if (bytes_->limit() != budget::unlimited
      || entries_->limit() != budget::unlimited)
    balance_.look(shards_.all(), std::array<const budget*, 2>{bytes_.get(),
                                                        entries_.get()});
}

expected<void> region::obey_limits(double part) {
  std::vector<shard_group::holdings> had;
  shard_group::holdings::figures sum;
  for (auto& x : shards_.groups()) {
    had.push_back(x->held());
    sum.bytes += had.back().sum.bytes;
    sum.entries += had.back().sum.entries;
  }
  auto bytes_part = std::min(part, bytes_->part_of(sum.bytes));
  auto entries_part = entries_->part_of(sum.entries);
  for (std::size_t i = 0; i < had.size(); ++i)
    if (auto ok
        = shards_.groups()[i]->obey(had[i], bytes_part, entries_part);
        !ok)
      return ok;
  return {};
}

} // namespace troupe
