// The part of a region that concerns all of its shards at once: forgetting, and
// limits.

#include <troupe/actors/regions/region.hpp>

#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

using memory::budget;

expected<void> region::check_open() const {
  for (auto& x : shards_.groups())
    if (auto ok = x->check_open(); !ok)
      return ok;
  return {};
}

// -- forgetting --------------------------------------------------------------------

expected<void> region::clear() {
  if (auto ok = check_open(); !ok)
    return ok;
  // All namespaces in one step, with no joint turn half done.
  tags_->keep_out_steps([this]() noexcept {
    for (auto& x : shards_.groups())
      x->clear();
  });
  for (auto& x : shards_.groups())
    x->tidy();
  return {};
}

expected<void> region::invalidate_tag(bytes_view name) {
  if (auto ok = check_open(); !ok)
    return ok;
  if (name.size() > tags::longest)
    return fail(errc::invalid_argument,
                "the name of the tag has " + std::to_string(name.size())
                  + " bytes, tags have up to "
                  + std::to_string(tags::longest));
  if (!tags_->invalidate(name))
    return fail(errc::invalid_argument,
                "invalidate_tag was called in the middle of a change (by the "
                "function of a transform, or within a joint turn); call it "
                "afterwards");
  return {};
}

expected<void> region::on_removal(removal_listener listener,
                                  std::size_t limit) {
  if (auto ok = check_open(); !ok)
    return ok;
  try {
    removals_->listen(std::move(listener), limit);
  } catch (const std::bad_alloc&) {
    return fail(errc::out_of_memory);
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

bool region::limited() const noexcept {
  const auto& groups = shards_.groups();
  return std::any_of(groups.begin(), groups.end(),
                     [](const auto& x) { return x->limited(); });
}

eviction_policy region::eviction() const noexcept {
  return eviction_.load(std::memory_order_relaxed);
}

expected<void> region::set_limits(std::size_t max_bytes,
                                  std::size_t max_entries) {
  auto wanted = options_;
  wanted.max_bytes = max_bytes;
  wanted.max_entries = max_entries;
  if (auto ok = check(wanted).and_then([this] { return check_open(); }); !ok)
    return ok;
  shards_.groups()[0]->limit(max_bytes, max_entries);
  return obey_limits();
}

expected<void> region::set_eviction(eviction_policy x) {
  if (auto ok = check_open(); !ok)
    return ok;
  eviction_.store(x, std::memory_order_relaxed);
  for (auto& group : shards_.groups())
    if (group->follows())
      group->set_eviction(x);
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
  if (auto ok = check_open(); !ok)
    return ok;
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
    shards_.groups()[i]->obey(had[i], bytes_part, entries_part);
  // A shard keeps its bookkeeping, at the cost of the others.
  bytes_->settle();
  entries_->settle();
  return {};
}

} // namespace troupe
