#pragma once

#include <functional>

#include <troupe/backends/abilities.hpp>
#include <troupe/backends/memory/events/region_events.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/events/explanation.hpp>
#include <troupe/messages/types/hash.hpp>

namespace troupe::memory {

class shard_map;

/// Explains the keys of a memory provider: the events of the key's shard, which it asks
/// in a turn, and those of the whole region. Thread-safe.
class explaining final : public explain_ability {
public:
  /// The shards and `events` must outlive it and the completions.
  explaining(shard_map& shards, const region_events& events) noexcept
    : shards_(shards), events_(events) {
    // nop
  }

  expected<explanation> explain(const hashed_key& key) override;
  void explain_then(carried_key key,
                    std::function<void(expected<explanation>)> done) override;

private:
  void add_region_events(const hashed_key& key, explanation& to) const;

  shard_map& shards_;
  const region_events& events_;
};

} // namespace troupe::memory
