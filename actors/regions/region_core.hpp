#pragma once

// What a region is apart from its keys: its name, its options and its provider, with
// limits, namespaces, listener and figures. `region` (region.hpp) adds the operations on
// keys.
//
// Calls for which the provider has no ability (backends/abilities.hpp) return
// `unsupported`.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <troupe/backends/memory/memory_provider.hpp>
#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

/// Thread-safe. Errors of all calls: also `shutting_down`, after `stop`.
class region_core {
public:
  region_core(const region_core&) = delete;
  region_core& operator=(const region_core&) = delete;

  [[nodiscard]] std::chrono::milliseconds load_timeout() const noexcept {
    return *options_.load_timeout;
  }

  [[nodiscard]] std::chrono::milliseconds op_timeout() const noexcept {
    return *options_.op_timeout;
  }

  [[nodiscard]] troupe::provider& provider() const noexcept {
    return *provider_;
  }

  [[nodiscard]] const std::shared_ptr<troupe::provider>&
  shared_provider() const noexcept {
    return provider_;
  }

  /// Its provider, if that is the memory one; else nullptr.
  [[nodiscard]] memory_provider* memory() const noexcept {
    return memory_;
  }

  /// The time by which entries of this region expire.
  [[nodiscard]] time_point now() const noexcept {
    return time_.now();
  }

  // -- forgetting (G3) ---------------------------------------------------------

  /// Removes everything, in all shards at once: a read that starts after it returned
  /// finds nothing that was written before it was called. The space comes back in the
  /// background.
  expected<void> clear();

  /// Removes all entries with a tag, as `clear`: at once, and no load that began
  /// before brings one back. Errors: `invalid_argument` for a name of more than 64 KiB,
  /// and inside of the function of a `transform` and of a joint turn.
  expected<void> invalidate_tag(bytes_view name);

  /// Reports every entry that is removed from now on to `listener`, with the cause; no
  /// longer when it is empty. It is called on a loader thread, outside of the
  /// shards, one call at a time, and may use the region; what it throws is dropped.
  /// Removals wait for it in a queue; what comes while `limit` of them wait is
  /// dropped (`region_stats::removals_dropped`), as is what waits when another
  /// listener takes its place. When this returns, no call of the listener before
  /// begins or is under way, and that one is destroyed; so it waits for a call that is
  /// under way, unless that call makes it. When the region ends, no further call
  /// begins. What is copied for a listener costs every removal about as much as a
  /// write. Errors: `out_of_memory`.
  expected<void> on_removal(removal_listener listener,
                            std::size_t limit = defaults::removal_queue);

  // -- limits: see limit_ability and namespace_ability ---------------------------

  /// 0 for none, and for a provider without limits.
  [[nodiscard]] std::size_t max_bytes() const noexcept;
  [[nodiscard]] std::size_t max_entries() const noexcept;
  [[nodiscard]] bool limited() const noexcept;
  [[nodiscard]] eviction_policy eviction() const noexcept;
  expected<void> set_limits(std::size_t max_bytes, std::size_t max_entries);
  expected<void> set_eviction(eviction_policy x);
  expected<void> obey_limits(double part = 1.0);

  [[nodiscard]] std::vector<namespace_stats> namespaces() const;
  expected<void> set_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                                      std::size_t max_entries);
  [[nodiscard]] expected<void>
  check_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                         std::size_t max_entries) const;
  expected<void> set_namespace_eviction(bytes_view prefix,
                                        std::optional<eviction_policy> x);
  expected<void> clear_namespace(bytes_view prefix);

  // -- walks: see scan_ability ---------------------------------------------------

  expected<scan_cursor>
  scan(scan_cursor from,
       function_ref<void(bytes_view, const entry_view&)> f) const;
  expected<std::optional<bytes>> random_key(std::minstd_rand& random) const;

  // -- checks --------------------------------------------------------------------

  /// As `check`, for calls that take no condition.
  [[nodiscard]] expected<void>
  check_unconditional(const write_options& how) const {
    if (valid(how) && how.condition == write_condition::always) [[likely]]
      return {};
    return look_at_condition(how);
  }

  /// Errors: `shutting_down`, after `stop`.
  [[nodiscard]] expected<void> check_running() const {
    return provider_->check_running();
  }

  /// What `increment` without a range may store: those of the region's values that fit
  /// in an std::int64_t. Errors: `not_an_integer`, when they are no integers.
  [[nodiscard]] expected<integer_range> signed_counts() const;

  // -- figures and life ------------------------------------------------------------

  /// Number of entries, those included that expired and were not swept yet.
  [[nodiscard]] std::size_t size() const noexcept {
    return provider_->size();
  }

  [[nodiscard]] region_stats stats() const noexcept;

  /// How much of their jitter entries were given; uniform when all is well.
  [[nodiscard]] jitter_counts jitter_histogram() const noexcept {
    return provider_->jitter();
  }

  /// Counts a read that met bytes that are no value of the region's type.
  void note_undecodable() const noexcept {
    undecodable_.fetch_add(1, std::memory_order_relaxed);
  }

  /// The same, if `why` says that this was it.
  void note_unreadable(const error& why) const noexcept {
    if (why == errc::decode_failed)
      note_undecodable();
  }

  /// Housekeeping; called by the runtime's clockwork. See `provider::tick`.
  bool tick() noexcept {
    return provider_->tick();
  }

  /// Ends every operation, reads included, with `shutting_down` from now on, those
  /// included that wait for a restart.
  void stop() noexcept {
    provider_->stop();
  }

protected:
  /// `options` passed their `check` and are complete, as the provider was made with them.
  region_core(std::string name, const region_options& options,
              const clock& time, std::shared_ptr<troupe::provider> provider,
              std::optional<integer_range> counts);

  ~region_core() = default;

  [[nodiscard]] expected<void> check_key(const hashed_key& key) const {
    if (key.key.size() > options_.max_key_size) [[unlikely]]
      return key_too_large(key.key.size());
    return {};
  }

  [[nodiscard]] expected<void> check_write(const hashed_key& key,
                                           bytes_view value,
                                           const write_options& how) const {
    // Inline: a call for what is nearly always right costs a write more than the
    // look itself.
    if (key.key.size() <= options_.max_key_size
        && value.size() <= options_.max_value_size && valid(how)) [[likely]]
      return {};
    return look_at_write(key, value, how);
  }

  [[nodiscard]] expected<void> check_edit(const edit& next,
                                          const entry_view* present) const {
    if (next.what == edit::action::store) [[likely]]
      return next.how.condition == write_condition::always
               ? look_at_value(next.value, next.how)
               : check_unconditional(next.how);
    if (next.what == edit::action::splice)
      return check_size(
        next.spliced_size(present == nullptr ? 0 : present->value.size()));
    return {};
  }

  [[nodiscard]] expected<void> look_at_value(bytes_view value,
                                             const write_options& how) const;
  [[nodiscard]] expected<void> check_ttl(ttl_duration ttl) const;
  [[nodiscard]] expected<void> check_size(std::size_t value_size) const;

  /// `unsupported`: the provider cannot do `what`.
  [[nodiscard]] tl::unexpected<error> lacks(const char* what) const;

  const std::string name_;
  const region_options options_;
  const clock& time_;
  const std::shared_ptr<troupe::provider> provider_;
  memory_provider* const memory_;
  const memory::direct_reads
    reads_; ///< Of `memory_`, where a hit can be inline.

private:
  [[nodiscard]] expected<void> look_at_write(const hashed_key& key,
                                             bytes_view value,
                                             const write_options& how) const;
  [[nodiscard]] expected<void>
  look_at_condition(const write_options& how) const;
  [[nodiscard]] tl::unexpected<error> key_too_large(std::size_t size) const;

  const std::optional<integer_range> counts_;
  mutable std::atomic<std::uint64_t> undecodable_{0};
};

/// What nobody has chosen yet.
[[nodiscard]] region_options with_defaults(region_options x);

} // namespace troupe
