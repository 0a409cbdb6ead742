#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/shards/lending.hpp>
#include <troupe/backends/memory/shards/rebalancer.hpp>
#include <troupe/backends/provider.hpp>

namespace troupe {

/// A limit of bytes that the memory providers of several regions share. Thread-safe, but
/// for `rebalance`.
class common_limit {
public:
  /// `name`: as errors call it. `max_bytes`: 0 for none.
  common_limit(std::size_t max_bytes, std::string name);

  /// Makes memory providers under this limit, which need not outlive them.
  [[nodiscard]] std::shared_ptr<const provider_factory> factory() const;

  /// As it was set; 0: none.
  [[nodiscard]] std::size_t max_bytes() const noexcept {
    return bytes_->option();
  }

  /// What so many shards need at least. Errors: `invalid_argument`, with what would do.
  [[nodiscard]] expected<void> check_room_for(std::size_t shards) const;

  /// Whether `max_bytes` would do for so many shards. Errors as above.
  [[nodiscard]] static expected<void> check(std::size_t max_bytes,
                                            std::size_t shards);

  /// Another limit from now on. `all` of the providers have obeyed when this returns;
  /// one that was stopped stores nothing any more.
  void set(std::size_t max_bytes,
           const std::vector<std::shared_ptr<provider>>& all);

  /// Lets one shard that evicts little give a piece of the limit to the others.
  void rebalance();

private:
  class member_factory;

  std::shared_ptr<memory::region_lender> lenders_;
  std::shared_ptr<memory::budget> bytes_;
  memory::rebalancer balance_;
};

/// Gets memory of the system ready before shards need it, until `stop`.
void keep_memory_ready(std::stop_token stop);

} // namespace troupe
