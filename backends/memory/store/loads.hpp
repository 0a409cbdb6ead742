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

/// The layer of `store` that grants the leases of loads and stores their results. In
/// the shard's turn.
class store_loads : public store_core {
public:
  /// Decides about a key that a reader missed: it is present by now, another load is in
  /// flight, or load `id` gets the lease; its value has `tags` as far as they are
  /// known. A load is not joined when its known tags were invalidated since it began.
  expected<load_decision> acquire_load(const hashed_key& key, load_id id,
                                       std::shared_ptr<const load_tags> tags
                                       = nullptr);

  /// Stores the result of load `id`, if it still holds its lease, and ends the lease,
  /// also on an error. The lease was granted at `born`. An empty value: the loader
  /// found that there is none.
  expected<load_outcome>
  commit_load(const hashed_key& key, load_id id, std::uint64_t born,
              std::optional<bytes_view> value, const write_options& how);

  /// Ends the lease of a load without a result.
  expected<void> release_load(const hashed_key& key, load_id id);

  /// Whether load `id` still holds the key's lease.
  expected<bool> holds_load(const hashed_key& key, load_id id) const;

  /// Voids the leases of all loads: no result of theirs is stored.
  void fence_loads() noexcept {
    fence_all(key_event_kind::shard_failed);
  }

protected:
  using store_core::store_core;

  ~store_loads() = default;

private:
  void record_load(key_event_kind kind, const hashed_key& key, load_id id) {
    record_load(kind, kind, key, id);
  }

  void record_load(key_event_kind kind, key_event_kind cause,
                   const hashed_key& key, load_id id) {
    table_.record(kind, cause, key.key, id);
  }

  [[nodiscard]] expected<load_outcome>
  store_loaded(const hashed_key& key, load_id id, std::uint64_t born,
               std::optional<bytes_view> value, const write_options& how);
};

} // namespace troupe::memory
