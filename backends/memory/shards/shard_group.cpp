#include <troupe/backends/memory/shards/shard_group.hpp>

#include <algorithm>

namespace troupe::memory {

shard_group::shard_group(const std::string& region, std::size_t first,
                         const store_options& with,
                         std::chrono::milliseconds op_timeout,
                         lane_executor& executor, growth& made, bool all_now)
  : region_(region),
    first_(first),
    mask_(with.shared.shares - 1),
    with_(with),
    op_timeout_(op_timeout),
    executor_(executor),
    growth_(made),
    forgotten_(with.shared.forgotten),
    bytes_(with.shared.bytes),
    entries_(with.shared.entries),
    eviction_(with.shared.eviction),
    made_(size()),
    slots_(std::make_unique<std::atomic<shard*>[]>(size())) {
  auto& front = create(first_);
  for (std::size_t i = 1; i < size(); ++i)
    slots_[i].store(&front, std::memory_order_relaxed);
  for (std::size_t i = 0; all_now && i < size(); ++i)
    make(first_ + i);
}

shard& shard_group::make(std::size_t number) {
  auto& result = create(number);
  if (number == first_) {
    std::lock_guard guard{growth_.mutex};
    wanted_.store(true, std::memory_order_release);
  }
  return result;
}

shard& shard_group::create(std::size_t number) {
  auto& slot = slots_[number - first_];
  for (;;) {
    std::uint64_t changes = 0;
    {
      std::lock_guard guard{growth_.mutex};
      auto* present = slot.load(std::memory_order_relaxed);
      if (present != nullptr
          && (present->place() == number || forgotten_->stopped()))
        return *present;
      changes = growth_.changes;
    }
    auto with = with_;
    with.seed += number - first_;
    with.shared.eviction = eviction();
    auto fresh
      = std::make_unique<shard>(region_ + "/shard-" + std::to_string(number),
                                with, op_timeout_, executor_, number);
    std::lock_guard guard{growth_.mutex};
    auto* present = slot.load(std::memory_order_relaxed);
    if (present != nullptr && present->place() == number)
      return *present;
    if (growth_.changes != changes)
      continue;
    owned_.push_back(std::move(fresh));
    auto& result = *owned_.back();
    made_.add(result);
    // Those who see that all are made must find each in its slot.
    slot.store(&result, std::memory_order_release);
    growth_.all.add(result);
    return result;
  }
}

/// What a shard is made with is another from now on: one that is being made is shown
/// already, or is made again.
void shard_group::count_change() const {
  std::lock_guard guard{growth_.mutex};
  ++growth_.changes;
}

expected<void> shard_group::check_open() const {
  for (auto* x : made_.made())
    if (auto why = x->refusal(); why && *why == errc::shutting_down)
      return tl::unexpected{std::move(*why)};
  return {};
}

void shard_group::clear() noexcept {
  forgotten_->clear();
}

void shard_group::tidy() noexcept {
  for (auto* x : made_.made())
    x->try_sweep();
}

void shard_group::stop() noexcept {
  forgotten_->stop();
  count_change();
  for (auto* x : made_.made())
    x->stop();
}

shard_group::holdings shard_group::held() const {
  count_change();
  holdings result;
  for (auto* x : made_.made()) {
    auto& entries = x->store().entries();
    result.shards.push_back({{entries.charged(), entries.size()}, x});
    result.sum.bytes += result.shards.back().bytes;
    result.sum.entries += result.shards.back().entries;
  }
  return result;
}

void shard_group::limit(std::size_t max_bytes,
                        std::size_t max_entries) noexcept {
  bytes_->set_limit(budget::limit_of(max_bytes));
  entries_->set_limit(budget::limit_of(max_entries));
}

void shard_group::obey(const holdings& had, double bytes_part,
                       double entries_part) noexcept {
  bytes_part = std::min(bytes_part, bytes_->part_of(had.sum.bytes));
  entries_part = std::min(entries_part, entries_->part_of(had.sum.entries));
  // The sum of what the shards up to this one keep, so that rounding wastes nothing of
  // the limit; an inexact product must not make it one less.
  auto cut = [](std::size_t n, double part) {
    constexpr double inexact = 1e-3;
    return static_cast<std::size_t>(static_cast<double>(n) * part + inexact);
  };
  holdings::figures before;
  holdings::figures kept;
  for (const auto& x : had.shards) {
    before.bytes += x.bytes;
    before.entries += x.entries;
    const holdings::figures all{cut(before.bytes, bytes_part),
                                cut(before.entries, entries_part)};
    x.where->maintain([&](table& table) {
      table.obey_limits(all.bytes - kept.bytes, all.entries - kept.entries);
    });
    kept = all;
  }
  bytes_->settle();
  entries_->settle();
}

void shard_group::set_eviction(eviction_policy x) noexcept {
  eviction_.store(x, std::memory_order_relaxed);
  count_change();
  for (auto* i : made_.made())
    i->maintain([x](table& table) { table.set_eviction(x); });
}

void shard_group::rebalance() {
  if (bytes_->limit() == budget::unlimited
      && entries_->limit() == budget::unlimited)
    return;
  balance_.look(made_.made(), *bytes_, entries_.get());
}

} // namespace troupe::memory
