#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <troupe/backends/leases.hpp>
#include <troupe/backends/load_tags.hpp>
#include <troupe/backends/memory/store/core.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

/// The layer of `store` that grants the leases of loads and stores what they bring. In
/// the shard's turn.
class store_loads : public store_core {
public:
  /// Decides about a key that a reader missed: it is there by now, somebody
  /// loads it, or load `id` may, whose value has `tags` as far as is known. A load
  /// whose tags are known to have been invalidated since it began is not joined.
  expected<load_decision> acquire_load(const hashed_key& key, load_id id,
                                       std::shared_ptr<const load_tags> tags
                                       = nullptr);

  /// Stores what load `id` brought, if it still holds its lease, and ends that. It
  /// was granted at `born`; without a value it found that there is none. On an error
  /// the lease is ended, too.
  expected<load_outcome>
  commit_load(const hashed_key& key, load_id id, std::uint64_t born,
              std::optional<bytes_view> value, const write_options& how);

  /// Ends the lease of a load that brings nothing.
  expected<void> release_load(const hashed_key& key, load_id id);

  /// Tells whether load `id` still holds the key's lease.
  expected<bool> holds_load(const hashed_key& key, load_id id) const;

  /// Voids the leases of all loads: none of them is stored.
  void fence_loads() noexcept {
    loads_.fence_all();
  }

protected:
  using store_core::store_core;

  ~store_loads() = default;
};

} // namespace troupe::memory
