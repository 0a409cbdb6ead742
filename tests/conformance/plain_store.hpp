#pragma once

// What every operation means, in the fewest words: two maps and a counter. The plain
// provider (plain_provider.hpp) calls it one operation at a time.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>

#include <troupe/backends/changes.hpp>
#include <troupe/backends/edit.hpp>
#include <troupe/backends/entry_view.hpp>
#include <troupe/backends/figures.hpp>
#include <troupe/backends/leases.hpp>
#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>
#include <troupe/messages/types/tags.hpp>

namespace conformance {

struct plain_entry {
  troupe::bytes value;
  troupe::version_number version = troupe::no_version;
  troupe::time_point ttl_end = troupe::never;
  troupe::ttl_duration idle = troupe::no_expiry;
  troupe::time_point idle_end = troupe::never;
  troupe::tags tags;
  std::chrono::nanoseconds stale_for{0};
  std::optional<std::chrono::nanoseconds> ahead; ///< Before the end of the TTL.
  std::optional<std::chrono::nanoseconds> behind; ///< After the deadline.
  bool absence = false;

  [[nodiscard]] troupe::time_point deadline() const {
    return std::min(ttl_end, idle_end);
  }

  [[nodiscard]] troupe::staleness moments() const;

  /// Valid as long as this.
  [[nodiscard]] troupe::entry_view view() const {
    return {value, version, deadline(), ttl_end, idle};
  }
};

/// Not thread-safe. Whether an operation has to wait for an update is the caller's
/// affair: `updating` says so.
class plain_store {
public:
  /// `time` outlives the store.
  plain_store(const troupe::clock& time, const troupe::region_options& options);

  // -- reading -----------------------------------------------------------------

  /// The live entry, or nullptr. Valid until the next change.
  [[nodiscard]] const plain_entry* look(troupe::bytes_view key) const;

  /// The same, as a use of it unless `as` says otherwise.
  const plain_entry* read(troupe::bytes_view key,
                          troupe::lookup as = troupe::lookup::use);

  /// The entry that is live, or stale but usable.
  const plain_entry* read_usable(troupe::bytes_view key, troupe::lookup as);

  /// Expired ones included.
  [[nodiscard]] std::size_t size() const {
    return entries_.size();
  }

  [[nodiscard]] const troupe::jitter_counts& jitter() const {
    return jitter_;
  }

  // -- changing ----------------------------------------------------------------

  troupe::expected<troupe::change_result> apply(const troupe::key_change& what);

  /// Does what a function said that was given the entry of version `seen`. False when
  /// that is not the present one any more.
  bool apply(troupe::bytes_view key, troupe::version_number seen,
             const troupe::edit& next);

  void clear();

  void invalidate_tag(troupe::bytes_view name);

  /// Removes what is no longer usable, and ends overdue updates.
  void sweep();

  // -- loads -------------------------------------------------------------------

  troupe::load_decision
  acquire_load(troupe::bytes_view key, troupe::load_id id,
               troupe::load_purpose why,
               std::shared_ptr<const troupe::load_tags> tags);

  troupe::load_outcome commit_load(troupe::bytes_view key,
                                   const troupe::load_commit& what);

  /// Tells whether `id` had the lease.
  bool release_load(troupe::bytes_view key, troupe::load_id id);

  [[nodiscard]] bool holds_load(troupe::bytes_view key,
                                troupe::load_id id) const;

  /// No reader should load the key before `next`.
  void postpone_refresh(troupe::bytes_view key, troupe::time_point next);

  // -- updates -----------------------------------------------------------------

  /// Whether an update holds the lease of the key, so that changes that read it wait.
  [[nodiscard]] bool updating(troupe::bytes_view key) const {
    return updates_.contains(troupe::bytes{key});
  }

  troupe::update_snapshot begin_update(troupe::bytes_view key,
                                       std::uint64_t token);

  troupe::update_outcome commit_update(troupe::bytes_view key,
                                       std::uint64_t token,
                                       std::optional<troupe::bytes_view> value,
                                       const troupe::write_options& how);

  void abandon_update(troupe::bytes_view key, std::uint64_t token);

  void end_updates();

  void end_overdue_updates();

private:
  struct load_lease {
    troupe::load_id id = 0;
    std::uint64_t born = 0;
    std::shared_ptr<const troupe::load_tags> tags;
  };

  /// What came between begin and commit of an update.
  enum class passed {
    nothing,
    blind_write, ///< It tells nothing of what was there, and that was as given,
    late_write,  ///< or it was not: the entry had expired.
    erase,       ///< It tells that there was an entry,
    vain_erase,  ///< or that there was none.
    invalidation, ///< Of a tag of the entry that the update was given.
  };

  struct update_lease {
    std::uint64_t token = 0;
    troupe::time_point deadline;
    bool present = false;        ///< It was given an entry,
    troupe::tags tags;           ///< which had these.
    passed by = passed::nothing; ///< The first thing that came.
  };

  troupe::expected<troupe::change_result>
  apply_one(const troupe::set_change& x);
  troupe::expected<troupe::change_result>
  apply_one(const troupe::compare_and_set_change& x);
  troupe::expected<troupe::change_result>
  apply_one(const troupe::erase_change& x);
  troupe::expected<troupe::change_result>
  apply_one(const troupe::compare_and_erase_change& x);
  troupe::expected<troupe::change_result>
  apply_one(const troupe::touch_change& x);
  troupe::expected<troupe::change_result>
  apply_one(const troupe::increment_change& x);

  [[nodiscard]] plain_entry
  made(troupe::bytes_view value, const troupe::write_options& how,
       const plain_entry* old,
       troupe::inheritance from_old = troupe::inheritance::as_told);
  void set_end(plain_entry& x, const troupe::write_options& how);
  void set_moments(plain_entry& x, const troupe::write_options& how,
                   std::chrono::nanoseconds ttl);
  void use(plain_entry& x) const;
  [[nodiscard]] plain_entry* usable(troupe::bytes_view key);

  troupe::version_number put(troupe::bytes_view key, plain_entry x);
  void remove(troupe::bytes_view key);
  void touch(troupe::bytes_view key, troupe::time_point deadline);

  [[nodiscard]] bool invalidated(std::uint64_t since,
                                 std::span<const troupe::bytes> names) const;
  void pass(troupe::bytes_view key, passed by);
  void pass_blindly(troupe::bytes_view key);

  const troupe::clock& time_;
  const troupe::region_options options_;
  std::minstd_rand random_;
  troupe::jitter_counts jitter_{};
  troupe::version_number version_ = troupe::no_version;
  std::map<troupe::bytes, plain_entry, std::less<>> entries_;
  std::map<troupe::bytes, load_lease, std::less<>> loads_;
  std::map<troupe::bytes, update_lease, std::less<>> updates_;

  /// Counts invalidations of tags. What was born at a moment is older than an
  /// invalidation of that moment or a later one.
  std::uint64_t moment_ = 1;
  std::map<troupe::bytes, std::uint64_t, std::less<>> invalidations_;
};

} // namespace conformance
