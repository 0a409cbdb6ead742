#pragma once

// The part of a region that does not concern single keys: name, options, provider,
// limits, namespaces, listener and figures. `region` (region_declared.hpp) adds the
// operations on keys.
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

#include <troupe/backends/memory/shards/direct_reads.hpp>
#include <troupe/backends/provider.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/integer_range.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

class memory_provider;

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

  /// Whether entries have other moments than their deadline: values may be stale or
  /// refreshed, or their absence may be cached.
  [[nodiscard]] bool has_moments() const noexcept {
    return options_.fail_safe > ttl_duration::zero()
           || options_.stale_while_revalidate > ttl_duration::zero()
           || options_.refresh_ahead > 0.0 || options_.absence_ttl;
  }

  /// The time that decides when entries of this region expire.
  [[nodiscard]] time_point now() const noexcept {
    return time_.now();
  }

  // -- invalidating (G3) --------------------------------------------------------

  /// Removes all entries, in all shards at once: a read that starts after it returned
  /// finds no entry that was written before it was called. The memory is freed in the
  /// background.
  expected<void> clear();

  /// Removes all entries with a tag, at once like `clear`; a load that began before
  /// does not bring one back. Errors: `invalid_argument` for a name of more than 64
  /// KiB, and inside the function of a `transform` or a joint turn.
  expected<void> invalidate_tag(bytes_view name);

  /// Reports every entry that is removed from now on to `listener`, with the cause. An
  /// empty `listener` ends the reports. The listener is called on a loader thread,
  /// outside of the shards, one call at a time, and may use the region; its exceptions
  /// are dropped. Removals wait for it in a queue. While `limit` of them wait, further
  /// ones are dropped (`region_stats::removals_dropped`); when another listener
  /// replaces this one, the waiting ones are dropped. This call returns when no call of
  /// the previous listener is running or can begin, and that listener is destroyed. It
  /// waits for a running call, unless it is made from inside that call. When the region
  /// ends, no further call begins. With a listener, each removal costs about as much as
  /// a write. Errors: `out_of_memory`.
  expected<void> on_removal(removal_listener listener,
                            std::size_t limit = defaults::removal_queue);

  // -- limits: see limit_ability and namespace_ability ---------------------------

  /// 0: no limit, or a provider without limits.
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

  /// Errors: `key_too_large`.
  [[nodiscard]] expected<void> check_key(const hashed_key& key) const {
    if (key.key.size() > options_.max_key_size) [[unlikely]]
      return key_too_large(key.key.size());
    return {};
  }

  /// Errors: those of a write that concern its arguments.
  [[nodiscard]] expected<void> check_write(const hashed_key& key,
                                           bytes_view value,
                                           const write_options& how) const {
    // Inline: the checks nearly always pass, and a call costs a write more than the
    // checks themselves.
    if (key.key.size() <= options_.max_key_size
        && value.size() <= options_.max_value_size && valid(how)) [[likely]]
      return {};
    return look_at_write(key, value, how);
  }

  /// Like `check`, for calls that take no condition.
  [[nodiscard]] expected<void>
  check_unconditional(const write_options& how) const {
    if (valid(how) && how.condition == write_condition::always) [[likely]]
      return {};
    return look_at_condition(how);
  }

  /// Errors: `invalid_argument`.
  [[nodiscard]] expected<void> check_ttl(ttl_duration ttl) const;

  /// Errors: `shutting_down`, after `stop`.
  [[nodiscard]] expected<void> check_running() const {
    return provider_->check_running();
  }

  /// The values that `increment` without a range may store: the region's values that
  /// fit in an std::int64_t. Errors: `not_an_integer` when the values are not integers.
  [[nodiscard]] expected<integer_range> signed_counts() const;

  // -- figures and life ------------------------------------------------------------

  /// Number of entries, including expired ones that are not yet swept.
  [[nodiscard]] std::size_t size() const noexcept {
    return provider_->size();
  }

  [[nodiscard]] region_stats stats() const noexcept;

  /// How much of their jitter entries were given. The counts are uniform when jitter
  /// works.
  [[nodiscard]] jitter_counts jitter_histogram() const noexcept {
    return provider_->jitter();
  }

  /// Counts a read of bytes that are not a value of the region's type.
  void note_undecodable() const noexcept {
    undecodable_.fetch_add(1, std::memory_order_relaxed);
  }

  /// Calls `note_undecodable` if `why` is such an error.
  void note_unreadable(const error& why) const noexcept {
    if (why == errc::decode_failed)
      note_undecodable();
  }

  /// Housekeeping; called by the runtime's clockwork. See `provider::tick`.
  bool tick() noexcept {
    return provider_->tick();
  }

  /// From now on, every operation returns `shutting_down`: reads, and operations that
  /// wait for a restart, too.
  void stop() noexcept {
    provider_->stop();
  }

  /// The error `unsupported`: the provider cannot do `what`.
  [[nodiscard]] tl::unexpected<error> lacks(const char* what) const;

protected:
  /// `options` passed their `check`, are complete, and made the provider.
  region_core(std::string name, const region_options& options,
              const clock& time, std::shared_ptr<troupe::provider> provider,
              std::optional<integer_range> counts);

  ~region_core() = default;

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
  [[nodiscard]] expected<void> check_size(std::size_t value_size) const;

  const std::string name_;
  const region_options options_;
  const clock& time_;
  const std::shared_ptr<troupe::provider> provider_;
  memory_provider* const memory_; ///< The provider, if it is in memory.
  /// The memory provider's shards, when a hit can be inline.
  const memory::direct_reads reads_;

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

/// `x` with defaults for the options that are not set.
[[nodiscard]] region_options with_defaults(region_options x);

} // namespace troupe
