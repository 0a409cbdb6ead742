#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <troupe/backends/leases.hpp>
#include <troupe/backends/load_tags.hpp>
#include <troupe/backends/memory/store/core.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

/// The layer of `store` that grants the leases of loads and stores their results, and
/// finds entries that are stale but usable. In the shard's turn, except for the read.
class store_loads : public store_core {
public:
  /// Calls `f(const entry_view&, const staleness&)` when the key has an entry that is
  /// live, or stale but usable; otherwise like `read`. From any thread.
  template <class F>
  bool read_usable(const hashed_key& key, F&& f, lookup as) const {
    epoch_guard guard;
    const auto found = table_.find_usable(key, as);
    if (found.item == nullptr)
      return false;
    f(found.view, found.item->moments());
    return true;
  }

  /// Decides about a key that a reader wants to load: it is present by now, it is too
  /// early for a load, another load is in flight, or load `id` gets the lease; its
  /// value has `tags` as far as they are known. A load is not joined when its known
  /// tags were invalidated since it began.
  expected<load_decision>
  acquire_load(const hashed_key& key, load_id id,
               std::shared_ptr<const load_tags> tags = nullptr,
               load_purpose why = load_purpose::missing);

  /// Stores the result of load `id`, if it still holds its lease, and ends the lease,
  /// also on an error. The lease was granted at `born`. An empty value: the loader
  /// found that there is none; it removes the entry, and is stored as a cached absence
  /// for `absence_ttl`, if that is given.
  expected<load_outcome>
  commit_load(const hashed_key& key, load_id id, std::uint64_t born,
              std::optional<bytes_view> value, const write_options& how,
              std::optional<ttl_duration> absence_ttl = std::nullopt);

  /// Ends the lease of a load without a result. If it still holds the lease, no reader
  /// should start another load before `next`, if that is given.
  expected<void> release_load(const hashed_key& key, load_id id,
                              std::optional<time_point> next = std::nullopt);

  /// Whether load `id` still holds the key's lease.
  expected<bool> holds_load(const hashed_key& key, load_id id) const;

  /// Voids the leases of all loads: no result of theirs is stored.
  void fence_loads() noexcept {
    fence_all(key_event_kind::shard_failed);
  }

protected:
  using store_core::store_core;

  ~store_loads() = default;

  /// Whether the entry at `where` is stale but usable.
  [[nodiscard]] bool lingers(const table::position& where) const noexcept {
    return where.item != nullptr && table_.lingers(*where.item);
  }

private:
  void record_load(key_event_kind kind, const hashed_key& key, load_id id) {
    record_load(kind, kind, key, id);
  }

  void record_load(key_event_kind kind, key_event_kind cause,
                   const hashed_key& key, load_id id) {
    table_.record(kind, cause, key.key, id);
  }

  [[nodiscard]] std::optional<load_decision>
  too_early(const table::position& where, load_purpose why,
            std::optional<stale_entry>& stale) const;
  [[nodiscard]] expected<load_outcome>
  store_loaded(const hashed_key& key, load_id id, std::uint64_t born,
               std::optional<bytes_view> value, const write_options& how,
               std::optional<ttl_duration> absence_ttl);
  expected<load_outcome>
  commit_absence(const hashed_key& key, std::optional<ttl_duration> ttl,
                 std::uint64_t born, std::span<const tag_id> tags);
};

} // namespace troupe::memory
