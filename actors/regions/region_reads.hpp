#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <troupe/actors/regions/region_core.hpp>
#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/events/explanation.hpp>
#include <troupe/messages/types/hash.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// The reads of a region (region_declared.hpp); region.hpp defines the templates. Keys
/// are given with or without their hash. Errors: `key_too_large`, `shutting_down`.
class region_reads : public region_core {
public:
  // -- reading (G5: no wait in memory; G7) ---------------------------------------

  /// Calls `f(const entry_view&)` when `key` has a live entry; returns whether it has
  /// one. In memory: no lock, no message, no allocation. The view ends with the call.
  /// Until `f` returns, memory that writers free stays allocated, so `f` must be brief.
  /// A `lookup::peek` does not restart the idle time of an entry.
  template <class F>
  expected<bool> visit(const hashed_key& key, F&& f,
                       lookup as = lookup::use) const;

  /// Calls `f(std::size_t index, const entry_view* entry)` for every key in order, with
  /// nullptr for a miss. The memory accesses of the whole batch overlap: prefer it to
  /// single reads. `Keys` has `size` and `operator[]`. Each key is read on its own;
  /// this is not a snapshot across keys. When the region is stopped meanwhile, `f` was
  /// called for the first keys only.
  template <class Keys, class F>
  expected<void> visit_many(const Keys& keys, F&& f,
                            lookup as = lookup::use) const;

  /// Prefetches the memory that operations on these keys will touch, so that the cache
  /// misses of the single operations that follow overlap. Changes nothing, takes no
  /// turn and checks no limits. At most `prefetched_keys` keys at a time.
  void prefetch(std::span<const upcoming_key> keys) const noexcept {
    provider_->prefetch(keys);
  }

  static constexpr std::size_t prefetched_keys
    = troupe::provider::prefetched_keys;

  /// Returns a copy of the value, or nothing when the key is absent or expired.
  expected<std::optional<bytes>> get(const hashed_key& key) const;

  /// Returns a copy of each value, or nothing, in order; see `visit_many`.
  expected<std::vector<std::optional<bytes>>>
  get_many(std::span<const bytes_view> keys) const;

  /// Calls `f` for every key, in memory with the entries of one moment between
  /// transactions (transaction.hpp). `f` may be called several times for a key; the last
  /// call counts. Errors: also `unsupported`, `out_of_memory`.
  expected<void> visit_together(
    std::span<const bytes_view> keys,
    function_ref<void(std::size_t index, const entry_view* entry)> f) const;

  /// Whether `key` has a live entry. Does not count as a use of the entry.
  expected<bool> contains(const hashed_key& key) const;

  /// The time until the entry expires, rounded up; with an idle time, if nothing reads
  /// or writes it. `no_expiry` when it does not expire; nothing when the key is absent.
  /// Does not count as a use of the entry.
  expected<std::optional<ttl_duration>> ttl(const hashed_key& key) const;

  /// The same for an entry with this deadline.
  [[nodiscard]] std::optional<ttl_duration>
  time_left(time_point deadline) const noexcept;

  /// See `charge_ability`.
  expected<std::optional<std::size_t>> charge(const hashed_key& key) const;

  /// Says why the key is in the state that it is in: its entry, its load in flight and its
  /// recorded events, newest first (messages/types/events/explanation.hpp). Waits for the
  /// turn of the key's shard. Does not count as a use of the entry. Errors: also
  /// `timeout`, `shard_down`, `out_of_memory`, `unsupported`.
  expected<explanation> explain(const hashed_key& key) const;

  /// The same without waiting; for `done` see `get_then`.
  void explain_then(carried_key key, completion<explanation> done) const;

  /// Reads a copy of the entry without waiting. `done` is called once, in memory in the
  /// shard's turn. It must be brief, not throw, and call nothing that waits for a
  /// shard. Errors: also `overloaded`.
  void get_then(carried_key key, lookup as,
                completion<std::optional<entry_copy>> done) const;

protected:
  using region_core::region_core;

  ~region_reads() = default;
};

} // namespace troupe
