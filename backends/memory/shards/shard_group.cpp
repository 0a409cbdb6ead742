#include <troupe/backends/memory/shards/shard_group.hpp>

#include <algorithm>
#include <array>

namespace troupe::memory {

shard_group::shard_group(const std::string& region, std::size_t first,
                         store_options with,
                         std::chrono::milliseconds op_timeout,
                         lane_executor& executor)
  : first_(first),
    mask_(with.shared.shares - 1),
    forgotten_(with.shared.forgotten),
    bytes_(with.shared.bytes),
    entries_(with.shared.entries),
    eviction_(with.shared.eviction) {
  for (std::size_t i = 0; i < with.shared.shares; ++i) {
    with.seed += i;
    shards_.push_back(
      std::make_unique<shard>(region + "/shard-" + std::to_string(first + i),
                              with, op_timeout, executor));
  }
}

expected<void> shard_group::check_open() const {
  for (auto& x : shards_)
    if (auto why = x->refusal(); why && *why == errc::shutting_down)
      return tl::unexpected{std::move(*why)};
  return {};
}

void shard_group::clear() noexcept {
  forgotten_->clear();
}

void shard_group::tidy() noexcept {
  for (auto& x : shards_)
    x->try_sweep();
}

void shard_group::stop() noexcept {
  forgotten_->stop();
  for (auto& x : shards_)
    x->stop();
}

shard_group::holdings shard_group::held() const {
  holdings result;
  for (auto& x : shards_) {
    auto& entries = x->store().entries();
    result.shards.push_back({entries.charged(), entries.size()});
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
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    before.bytes += had.shards[i].bytes;
    before.entries += had.shards[i].entries;
    const holdings::figures all{cut(before.bytes, bytes_part),
                                cut(before.entries, entries_part)};
    shards_[i]->maintain([&](table& table) {
      table.obey_limits(all.bytes - kept.bytes, all.entries - kept.entries);
    });
    kept = all;
  }
  bytes_->settle();
  entries_->settle();
}

void shard_group::set_eviction(eviction_policy x) noexcept {
  eviction_.store(x, std::memory_order_relaxed);
  for (auto& i : shards_)
    i->maintain([x](table& table) { table.set_eviction(x); });
}

void shard_group::rebalance() {
  if (bytes_->limit() == budget::unlimited
      && entries_->limit() == budget::unlimited)
    return;
  std::vector<shard*> all;
  for (auto& x : shards_)
    all.push_back(x.get());
  balance_.look(all,
                std::array<const budget*, 2>{bytes_.get(), entries_.get()});
}

} // namespace troupe::memory
