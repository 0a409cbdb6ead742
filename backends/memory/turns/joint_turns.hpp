#pragma once

#include <span>

#include <troupe/backends/abilities.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

class shard_map;

/// The joint turns of a memory provider, and the calls that take one. Thread-safe.
class joint_turns final : public joint_turn_ability {
public:
  /// `shards` must outlive it.
  explicit joint_turns(shard_map& shards) noexcept : shards_(shards) {
    // nop
  }

  [[nodiscard]] shard_map& shards() noexcept override {
    return shards_;
  }

  expected<key_state> watch(const hashed_key& key) override;
  expected<bool> unchanged(const hashed_key& key,
                           const key_state& since) override;
  expected<transfer_result>
  transfer(const hashed_key& from, joint_turn_ability& target,
           const hashed_key& to, const transfer_terms& terms) override;
  expected<bool> change_together(std::span<const joint_condition> conditions,
                                 std::span<const joint_step> steps) override;
  expected<void>
  read_together(std::span<const joint_key> keys,
                function_ref<void(std::size_t, const entry_view*)> f) override;

private:
  shard_map& shards_;
};

} // namespace troupe::memory
