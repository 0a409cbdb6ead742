#pragma once

// The memory provider: the shards of a region, with its limits and its tags.
//
//   read     → the shard's table, under an epoch guard, no mailbox, no lock
//   change   → the shard's mailbox, on the calling thread when it is idle
//
// Keys of a namespace lie in their own shards (shards/shard_map.hpp). It has every
// ability. The layers above know nothing of the memory provider but this header.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <troupe/backends/memory/events/region_events.hpp>
#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/shards/direct_reads.hpp>
#include <troupe/backends/memory/shards/explaining.hpp>
#include <troupe/backends/memory/shards/inline_reads.hpp>
#include <troupe/backends/memory/shards/lending.hpp>
#include <troupe/backends/memory/shards/rebalancer.hpp>
#include <troupe/backends/memory/shards/removal_queue.hpp>
#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/backends/memory/shards/shard_map.hpp>
#include <troupe/backends/memory/shards/shard_operations.hpp>
#include <troupe/backends/memory/tags/tag_registry.hpp>
#include <troupe/backends/memory/turns/joint_turns.hpp>
#include <troupe/backends/provider_factory.hpp>

namespace troupe {

/// See the head of this file. Thread-safe.
class memory_provider final : public provider,
                              public scan_ability,
                              public limit_ability,
                              public namespace_ability,
                              public listener_ability,
                              public charge_ability {
public:
  /// `options` passed their `check`; the constructor fills in the numbers of shards.
  /// Its bytes also count against `parent`, if given. Throws std::bad_alloc.
  explicit memory_provider(const provider_environment& with,
                           std::shared_ptr<memory::budget> parent = nullptr);

  ~memory_provider() override;

  // -- functions that a region inlines -----------------------------------------

  [[nodiscard]] memory::direct_reads reads() const noexcept {
    return memory::direct_reads{*shards_};
  }

  /// `read` as a template.
  template <class F>
  expected<bool> visit(const hashed_key& key, F&& f, lookup as) const;

  /// Like `read_many`. The memory accesses of a group of keys overlap.
  template <class Keys, class F>
  expected<void> visit_many(const Keys& keys, F&& f, lookup as) const {
    return memory::visit_many(*shards_, keys, f, as);
  }

  /// Like `apply`, with the result of the kind of change.
  template <class Change>
  [[gnu::always_inline]] expected<typename Change::result>
  run(const Change& what) {
    if constexpr (std::is_same_v<Change, set_change>)
      if (what.value.size() >= gathered_size && what.gathered == nullptr)
        [[unlikely]]
        return set_gathered(what);
    try {
      return owner_for_write(what.key).run(
        memory::change_operation<Change>{what});
    } catch (const std::bad_alloc&) {
      return fail(errc::out_of_memory);
    }
  }

  /// Like `transform`.
  template <class F>
  expected<void> transform_inline(const hashed_key& key, F& f) {
    try {
      return owner_for_write(key).run(memory::transform_operation<F>{key, f});
    } catch (const std::bad_alloc&) {
      return fail(errc::out_of_memory);
    }
  }

  /// Its shards that exist; they live as long as the result.
  [[nodiscard]] std::shared_ptr<const memory::shard_list>
  shard_list() const noexcept {
    return {shards_, &shards_->all()};
  }

  // -- provider ----------------------------------------------------------------

  [[nodiscard]] std::string_view kind() const noexcept override;
  expected<bool> read(const hashed_key& key,
                      function_ref<void(const entry_view&)> f,
                      lookup as) const override;
  expected<bool>
  read_usable(const hashed_key& key,
              function_ref<void(const entry_view&, const staleness&)> f,
              lookup as) const override;
  expected<void> read_many(std::span<const hashed_key> keys,
                           function_ref<void(std::size_t, const entry_view*)> f,
                           lookup as) const override;
  void read_then(carried_key key, lookup as,
                 completion<std::optional<entry_copy>> done) const override;
  void prefetch(std::span<const upcoming_key> keys) const noexcept override;
  expected<change_result> apply(const key_change& what) override;
  void apply_then(carried_change what, completion<change_result> done) override;
  expected<void> set_many(std::span<const hashed_key> keys,
                          std::span<const bytes_view> values,
                          const write_options& how) override;
  expected<void>
  transform(const hashed_key& key,
            function_ref<expected<edit>(const entry_view*)> f) override;
  /// A granted lease keeps `tags`. The provider releases its last reference to them when
  /// the lease ends, for whatever reason, in a turn of the shard. So the deleter of
  /// `tags` reports the end of the lease to a caller that kept no reference. The deleter
  /// must be brief, not throw, and call nothing that waits for a shard.
  void
  acquire_load(carried_key key, load_id id, load_purpose why,
               std::shared_ptr<const load_tags> tags,
               std::function<bool(expected<load_decision>)> decided) override;
  void commit_load(carried_key key, load_commit what,
                   completion<load_outcome> done) override;
  void release_load(carried_key key, load_id id, std::optional<time_point> next,
                    completion<void> done) override;
  [[nodiscard]] expected<bool> holds_load(const hashed_key& key,
                                          load_id id) override;
  expected<update_snapshot> begin_update(const hashed_key& key,
                                         std::uint64_t token) override;
  expected<update_outcome> commit_update(const hashed_key& key,
                                         std::uint64_t token,
                                         std::optional<bytes_view> value,
                                         const write_options& how) override;
  expected<void> abandon_update(const hashed_key& key,
                                std::uint64_t token) override;

  /// Clears all shards at once, namespaces included. Waits for changes of tagged
  /// entries and joint turns in progress; the memory is freed in the background. Does
  /// not need the shards to run: entries of failed shards are removed as well.
  expected<void> clear() override;

  /// Waits like `clear`; linear in the number of shards, not in the number of tagged
  /// entries.
  expected<void> invalidate_tag(bytes_view name) override;

  [[nodiscard]] std::size_t size() const noexcept override;
  [[nodiscard]] provider_figures figures() const noexcept override;
  [[nodiscard]] jitter_counts jitter() const noexcept override;
  [[nodiscard]] expected<void> check_running() const override;

  /// Frees some memory of expired entries in every idle shard. From time to time lets
  /// one shard that evicts little give a piece of the limits to other shards. Returns
  /// false when no shard had work or changes, and no limit is set.
  bool tick() noexcept override;

  void stop() noexcept override;
  [[nodiscard]] std::size_t part_count() const noexcept override;
  [[nodiscard]] std::size_t parts_made() const noexcept override;
  [[nodiscard]] provider_part* part(std::size_t index) const noexcept override;
  expected<void> make_part(std::size_t index) override;
  [[nodiscard]] std::size_t
  part_of(const hashed_key& key) const noexcept override;

  // -- abilities ---------------------------------------------------------------

  scan_ability* scans() noexcept override;
  limit_ability* limits() noexcept override;
  namespace_ability* groups() noexcept override;
  listener_ability* listeners() noexcept override;
  joint_turn_ability* joint_turns() noexcept override;
  charge_ability* charges() noexcept override;
  explain_ability* explains() noexcept override;

  /// Reads one bucket of one shard; also passes the empty shards before it.
  expected<scan_cursor>
  scan(scan_cursor from,
       function_ref<void(bytes_view, const entry_view&)> f) override;

  /// Constant time while most entries are live; linear when nearly all have expired and
  /// are not yet swept.
  expected<std::optional<bytes>> random_key(std::minstd_rand& random) override;

  [[nodiscard]] std::size_t max_bytes() const noexcept override;
  [[nodiscard]] std::size_t max_entries() const noexcept override;
  [[nodiscard]] bool limited() const noexcept override;
  [[nodiscard]] eviction_policy eviction() const noexcept override;
  expected<void> set_limits(std::size_t max_bytes,
                            std::size_t max_entries) override;
  expected<void> set_eviction(eviction_policy x) override;
  expected<void> obey_limits(double part) override;

  void
  rebalance(); ///< The part of `tick` about limits, at once. Not thread-safe.
  [[nodiscard]] std::vector<namespace_stats> namespaces() const override;
  expected<void> set_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                                      std::size_t max_entries) override;
  [[nodiscard]] expected<void>
  check_namespace_limits(bytes_view prefix, std::size_t max_bytes,
                         std::size_t max_entries) const override;
  expected<void>
  set_namespace_eviction(bytes_view prefix,
                         std::optional<eviction_policy> x) override;
  expected<void> clear_namespace(bytes_view prefix) override;

  expected<void> on_removal(removal_listener listener,
                            std::size_t limit) override;

  expected<std::optional<std::size_t>>
  charge(const hashed_key& key) const override;

private:
  /// A value of this size or more is copied before its shard's turn, not in it.
  static constexpr std::size_t gathered_size = 256 * 1024;

  [[nodiscard]] expected<std::optional<entry_copy>>
  copy_of(const memory::store& in, const hashed_key& key, lookup as) const;

  [[nodiscard]] memory::shard& owner(const hashed_key& key) const noexcept {
    return shards_->owner(key);
  }

  /// The shard of a key that will be changed; makes it if needed. Throws std::bad_alloc.
  [[nodiscard]] memory::shard& owner_for_write(const hashed_key& key) const {
    auto& result = shards_->home(key);
    result.prefetch_for_write(key.hash);
    return result;
  }

  [[nodiscard]] expected<memory::shard_group*>
  find_group(bytes_view prefix) const;
  [[nodiscard]] expected<void> check_open() const;
  [[nodiscard]] memory::shard* find_home(const hashed_key& key) noexcept;
  expected<bool> set_gathered(const set_change& what);

  template <class Change>
  void submit(carried<Change> what, completion<change_result> done);

  const clock& time_;
  std::shared_ptr<lane_executor> executor_;
  std::shared_ptr<memory::budget> bytes_;
  std::shared_ptr<memory::tag_registry> tags_;
  std::shared_ptr<memory::budget> entries_;
  std::atomic<eviction_policy> eviction_;
  std::shared_ptr<memory::removal_queue> removals_;
  std::shared_ptr<memory::shard_map> shards_;
  memory::joint_turns joint_turns_;
  memory::region_events events_;
  memory::explaining explains_;
  const region_options options_; ///< With the numbers of shards.
  memory::rebalancer balance_;
  unsigned ticks_ = 0;
  std::uint64_t handled_ = 0; ///< By all shards, as `tick` saw it last.
};

// -- implementation --------------------------------------------------------------

template <class F>
expected<bool> memory_provider::visit(const hashed_key& key, F&& f,
                                      lookup as) const {
  return memory::visit(*shards_, key, std::forward<F>(f), as);
}

} // namespace troupe
