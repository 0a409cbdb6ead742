#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/shards/lending.hpp>
#include <troupe/backends/memory/shards/rebalancer.hpp>
#include <troupe/backends/provider_factory.hpp>

namespace troupe {

/// A limit in bytes that the memory providers of several regions share. Thread-safe,
/// except for `rebalance`.
class common_limit {
public:
  /// `name`: the limit's name in errors. `max_bytes`: 0: no limit.
  common_limit(std::size_t max_bytes, std::string name);

  /// Makes memory providers under this limit; they may outlive this object.
  [[nodiscard]] std::shared_ptr<const provider_factory> factory() const;

  /// The limit; 0: no limit.
  [[nodiscard]] std::size_t max_bytes() const noexcept {
    return bytes_->option();
  }

  /// Whether the limit has room for `shards` shards. Errors: `invalid_argument`, with
  /// the limit that would be enough.
  [[nodiscard]] expected<void> check_room_for(std::size_t shards) const;

  /// Whether `max_bytes` has room for `shards` shards. Errors as above.
  [[nodiscard]] static expected<void> check(std::size_t max_bytes,
                                            std::size_t shards);

  /// Sets the limit. When this returns, `all` providers have obeyed it; a stopped
  /// provider stores nothing any more.
  void set(std::size_t max_bytes,
           const std::vector<std::shared_ptr<provider>>& all);

  /// Lets one shard that evicts little give a piece of the limit to other shards.
  void rebalance();

private:
  class member_factory;

  std::shared_ptr<memory::region_lender> lenders_;
  std::shared_ptr<memory::budget> bytes_;
  memory::rebalancer balance_;
};

/// Prepares memory of the system before shards need it, until `stop`.
void keep_memory_ready(std::stop_token stop);

} // namespace troupe
