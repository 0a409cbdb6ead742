#include <troupe/backends/memory/shards/direct_reads.hpp>

#include <troupe/backends/memory/shards/shard_map.hpp>

namespace troupe::memory {

direct_reads::direct_reads(const shard_map& all) noexcept
  : shards_(all.divided() ? nullptr : all.slots()),
    mask_(all.size() - 1),
    all_(&all) {
  // nop
}

expected<bool> direct_reads::stopped() const {
  return all_->stopped();
}

} // namespace troupe::memory
