// The optional abilities of the memory provider: limits, namespaces, scans, listeners;
// joint turns are in turns/. And operations on all shards at once.

#include <troupe/backends/memory/memory_provider.hpp>

#include <new>
#include <string>

#include <troupe/backends/memory/entries/footprint.hpp>
#include <troupe/backends/memory/shards/key_scan.hpp>
#include <troupe/messages/types/namespaces.hpp>

namespace troupe {

using memory::budget;
using memory::shard_group;

expected<void> memory_provider::check_open() const {
  for (const auto& x : shards_->groups())
    if (auto ok = x->check_open(); !ok)
      return ok;
  return {};
}

scan_ability* memory_provider::scans() noexcept {
  return this;
}

limit_ability* memory_provider::limits() noexcept {
  return this;
}

namespace_ability* memory_provider::groups() noexcept {
  return this;
}

listener_ability* memory_provider::listeners() noexcept {
  return this;
}

joint_turn_ability* memory_provider::joint_turns() noexcept {
  return &joint_turns_;
}

charge_ability* memory_provider::charges() noexcept {
  return this;
}

explain_ability* memory_provider::explains() noexcept {
  return &explains_;
}

// -- invalidating ------------------------------------------------------------------

expected<void> memory_provider::clear() {
  if (auto ok = check_open(); !ok)
    return ok;
  // All namespaces in one step, and never in the middle of a joint turn.
  tags_->keep_out_steps([this]() noexcept {
    events_.add(key_event_kind::cleared);
    for (const auto& x : shards_->groups())
      x->clear();
  });
  for (const auto& x : shards_->groups())
    x->tidy();
  return {};
}

expected<void> memory_provider::invalidate_tag(bytes_view name) {
  if (auto ok = check_open(); !ok)
    return ok;
  if (!tags_->invalidate(name))
    return fail(errc::invalid_argument,
                "invalidate_tag was called in the middle of a change (by the "
                "function of a transform, or within a joint turn); call it "
                "afterwards");
  events_.add(key_event_kind::tag_invalidated, name);
  return {};
}

expected<void> memory_provider::on_removal(removal_listener listener,
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

// -- walks -------------------------------------------------------------------------

expected<scan_cursor>
memory_provider::scan(scan_cursor from,
                      function_ref<void(bytes_view, const entry_view&)> f) {
  return memory::scan_bucket(*shards_, from, f);
}

expected<std::optional<bytes>>
memory_provider::random_key(std::minstd_rand& random) {
  return memory::random_key(*shards_, random);
}

expected<std::optional<std::size_t>>
memory_provider::charge(const hashed_key& key) const {
  std::optional<std::size_t> result;
  auto found = visit(
    key, [&](const entry_view& x) { result = memory::footprint(*x.from); },
    lookup::peek);
  if (!found)
    return tl::unexpected{std::move(found.error())};
  return result;
}

// -- limits ------------------------------------------------------------------------

std::size_t memory_provider::max_bytes() const noexcept {
  return bytes_->option();
}

std::size_t memory_provider::max_entries() const noexcept {
  return entries_->option();
}

bool memory_provider::limited() const noexcept {
  const auto& groups = shards_->groups();
  return std::any_of(groups.begin(), groups.end(),
                     [](const auto& x) { return x->limited(); });
}

eviction_policy memory_provider::eviction() const noexcept {
  return eviction_.load(std::memory_order_relaxed);
}

expected<void> memory_provider::set_limits(std::size_t max_bytes,
                                           std::size_t max_entries) {
  auto wanted = options_;
  wanted.max_bytes = max_bytes;
  wanted.max_entries = max_entries;
  if (auto ok = check(wanted).and_then([this] { return check_open(); }); !ok)
    return ok;
  shards_->groups()[0]->limit(max_bytes, max_entries);
  return obey_limits(1.0);
}

expected<void> memory_provider::set_eviction(eviction_policy x) {
  if (auto ok = check_open(); !ok)
    return ok;
  eviction_.store(x, std::memory_order_relaxed);
  for (const auto& group : shards_->groups())
    if (group->follows())
      group->set_eviction(x);
  return {};
}

expected<void> memory_provider::obey_limits(double part) {
  if (auto ok = check_open(); !ok)
    return ok;
  std::vector<shard_group::holdings> had;
  shard_group::holdings::figures sum;
  for (const auto& x : shards_->groups()) {
    had.push_back(x->held());
    sum.bytes += had.back().sum.bytes;
    sum.entries += had.back().sum.entries;
  }
  auto bytes_part = std::min(part, bytes_->part_of(sum.bytes));
  auto entries_part = entries_->part_of(sum.entries);
  for (std::size_t i = 0; i < had.size(); ++i)
    shards_->groups()[i]->obey(had[i], bytes_part, entries_part);
  // A shard keeps its bookkeeping, at the cost of other shards.
  bytes_->settle();
  entries_->settle();
  return {};
}

void memory_provider::rebalance() {
  // The first group's limits are the region's, and balanced over all shards.
  for (std::size_t i = 1; i < shards_->groups().size(); ++i)
    shards_->groups()[i]->rebalance();
  if (bytes_->limit() != budget::unlimited
      || entries_->limit() != budget::unlimited)
    balance_.look(shards_->all().made(), *bytes_, entries_.get());
}

// -- namespaces --------------------------------------------------------------------

expected<shard_group*> memory_provider::find_group(bytes_view prefix) const {
  return shards_->namespace_of(prefix).map(
    [this](std::size_t index) { return shards_->groups()[index + 1].get(); });
}

std::vector<namespace_stats> memory_provider::namespaces() const {
  std::vector<namespace_stats> result;
  for (std::size_t i = 0; i < options_.namespaces.size(); ++i) {
    auto& group = *shards_->groups()[i + 1];
    namespace_stats x;
    x.prefix = options_.namespaces[i].prefix;
    x.max_bytes = group.bytes().option();
    x.max_entries = group.entries().option();
    x.eviction = group.eviction();
    x.own_eviction = !group.follows();
    x.shards = group.size();
    for (const auto* shard : group.shards().made()) {
      const auto& entries = shard->store().entries();
      x.keys += entries.size();
      x.charged += entries.charged();
      x.evictions += entries.evictions();
      x.expirations += entries.expirations();
    }
    result.push_back(std::move(x));
  }
  return result;
}

expected<void> memory_provider::check_namespace_limits(
  bytes_view prefix, std::size_t max_bytes, std::size_t max_entries) const {
  return shards_->namespace_of(prefix).and_then(
    [&](std::size_t index) -> expected<void> {
      auto wanted = options_.namespaces[index];
      wanted.max_bytes = max_bytes;
      wanted.max_entries = max_entries;
      return check({wanted}, options_.max_key_size);
    });
}

expected<void> memory_provider::set_namespace_limits(bytes_view prefix,
                                                     std::size_t max_bytes,
                                                     std::size_t max_entries) {
  if (auto ok = check_namespace_limits(prefix, max_bytes, max_entries); !ok)
    return ok;
  return find_group(prefix).and_then([&](shard_group* group) -> expected<void> {
    if (auto ok = group->check_open(); !ok)
      return ok;
    group->limit(max_bytes, max_entries);
    group->obey(group->held(), 1.0, 1.0);
    return {};
  });
}

expected<void>
memory_provider::set_namespace_eviction(bytes_view prefix,
                                        std::optional<eviction_policy> x) {
  return find_group(prefix).and_then([&](shard_group* group) -> expected<void> {
    if (auto ok = group->check_open(); !ok)
      return ok;
    group->follow(!x);
    group->set_eviction(x.value_or(eviction()));
    return {};
  });
}

expected<void> memory_provider::clear_namespace(bytes_view prefix) {
  return find_group(prefix).and_then(
    [this, prefix](shard_group* group) -> expected<void> {
      if (auto ok = group->check_open(); !ok)
        return ok;
      tags_->keep_out_steps([group]() noexcept { group->clear(); });
      events_.add(key_event_kind::namespace_cleared, prefix);
      group->tidy();
      return {};
    });
}

} // namespace troupe
