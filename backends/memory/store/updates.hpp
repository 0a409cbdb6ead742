#pragma once

#include <cstdint>
#include <optional>

#include <troupe/backends/leases.hpp>
#include <troupe/backends/memory/store/leases.hpp>
#include <troupe/backends/memory/store/loads.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

/// The layer of `store` for updates under a lease. In the shard's turn.
class store_updates : public store_loads {
public:
  /// Takes the key's update lease, which must be free, and voids its load lease: a load
  /// that began before must not store meanwhile.
  expected<update_snapshot> begin_update(const hashed_key& key,
                                         std::uint64_t token);

  /// Stores the new value (removes the entry when it is empty) and ends the lease,
  /// whatever the outcome. The new entry keeps of the old one what `how` does not set.
  expected<update_outcome>
  commit_update(const hashed_key& key, std::uint64_t token,
                std::optional<bytes_view> value, const write_options& how);

  /// Ends the lease without a change.
  expected<void> abandon_update(const hashed_key& key, std::uint64_t token);

  [[nodiscard]] update_leases& updates() noexcept {
    return updates_;
  }

protected:
  using store_loads::store_loads;

  ~store_updates() = default;
};

} // namespace troupe::memory
