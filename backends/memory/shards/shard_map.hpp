#pragma once

// Which shard of a region owns a key: the shards of all groups (shard_group.hpp),
// numbered through. A key's prefix determines its group, and its hash the shard in the
// group. Without namespaces there is one group, and prefixes are not compared.
//
// When the options leave the number of shards open, a shard is made at the first change
// of one of its keys, so a region with few keys takes little memory. Readers notice no
// difference (shard_group.hpp); writers take a slower path until all shards exist.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <troupe/backends/memory/shards/prefix_map.hpp>
#include <troupe/backends/memory/shards/shard.hpp>
#include <troupe/backends/memory/shards/shard_group.hpp>
#include <troupe/backends/memory/entries/hash.hpp>
#include <troupe/backends/memory/tags/invalidations.hpp>
#include <troupe/backends/memory/store/parked.hpp>
#include <troupe/backends/memory/store/store.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::memory {

/// Thread-safe. Its groups never change.
class shard_map {
public:
  using group_list = std::vector<std::unique_ptr<shard_group>>;

  /// Makes the groups. Where `options` leave the number of shards open, writes it there;
  /// where they do not, makes all shards. `with` holds what all stores share and the
  /// region's budgets; the budgets of namespaces are made within them. Throws
  /// std::bad_alloc.
  shard_map(const std::string& region, region_options& options,
            const store_options& with,
            const std::shared_ptr<tag_registry>& tags, lane_executor& executor);

  shard_map(const shard_map&) = delete;
  shard_map& operator=(const shard_map&) = delete;

  /// The number of the shard that owns a key.
  [[nodiscard]] std::size_t number_of(const hashed_key& key) const noexcept {
    if (divided_) [[unlikely]]
      return groups_[group_of(key.key)]->shard_of(key.hash);
    return shard_bits(key.hash) & mask_;
  }

  /// For readers: the shard of a key, or another one that does not have it either.
  [[nodiscard]] shard& owner(const hashed_key& key) const noexcept {
    if (divided_) [[unlikely]]
      return owner_in_group(key);
    return *slots_[shard_bits(key.hash) & mask_].load(
      std::memory_order_acquire);
  }

  /// For changes: the shard of a key, which is made if it was not. Throws
  /// std::bad_alloc.
  [[nodiscard]] shard& home(const hashed_key& key) {
    if (roundabout_.load(std::memory_order_acquire)) [[unlikely]]
      return home_in_group(key);
    return *slots_[shard_bits(key.hash) & mask_].load(
      std::memory_order_acquire);
  }

  /// The shard with this number, which is made if it was not. Throws std::bad_alloc.
  shard& make(std::size_t number);

  /// Makes all that were not. Throws std::bad_alloc.
  void make_all();

  /// The shards that exist, in the order in which they were made, with the first shard of
  /// each group, which readers need.
  [[nodiscard]] const shard_list& all() const noexcept {
    return growth_->all;
  }

  /// Those of the only group by the shard's bits of a hash.
  [[nodiscard]] const std::atomic<shard*>* slots() const noexcept {
    return slots_;
  }

  /// The group of other keys first, then those of the namespaces in their order.
  [[nodiscard]] const group_list& groups() const noexcept {
    return groups_;
  }

  /// Whether there are namespaces.
  [[nodiscard]] bool divided() const noexcept {
    return divided_;
  }

  /// The index, in the options, of the namespace with exactly this prefix. Errors:
  /// `invalid_argument`.
  [[nodiscard]] expected<std::size_t> namespace_of(bytes_view prefix) const;

  /// The prefix of the namespace that a key belongs to; empty: none.
  [[nodiscard]] bytes_view prefix_of(const hashed_key& key) const noexcept {
    const auto index = prefixes_.find(key.key);
    return index == prefix_map::none ? bytes_view{} : prefixes_[index];
  }

  /// As many shards as there may be.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }

  /// Number of entries, including expired ones that are not yet swept.
  [[nodiscard]] std::size_t entries() const noexcept;

  /// Errors: `shutting_down`, after the shards were stopped.
  [[nodiscard]] expected<void> check_running() const {
    if (groups_[0]->at(0).store().stopped()) [[unlikely]]
      return stopped();
    return {};
  }

  [[nodiscard]] tl::unexpected<error> stopped() const;

  /// The shard with this number; nullptr while it was not made.
  [[nodiscard]] shard* operator[](std::size_t number) const noexcept {
    return group_with(number).made(number);
  }

  /// How many were made; never decreases.
  [[nodiscard]] std::size_t made() const noexcept;

private:
  /// The number of the group that a key belongs to.
  [[nodiscard]] std::size_t group_of(bytes_view key) const noexcept;

  [[nodiscard]] shard& owner_in_group(const hashed_key& key) const noexcept;
  [[nodiscard]] shard& home_in_group(const hashed_key& key);

  /// The group of the shard with this number.
  [[nodiscard]] shard_group& group_with(std::size_t number) const noexcept;

  void look_whether_complete() noexcept;

  const std::string region_;
  prefix_map prefixes_;
  std::unique_ptr<growth> growth_;
  group_list groups_;
  const std::atomic<shard*>* slots_ = nullptr; ///< Of group 0.
  std::size_t mask_ = 0;                       ///< Of group 0.
  std::size_t size_ = 0;
  bool divided_; ///< There are namespaces.

  /// A change looks for the shard of its key: there are namespaces, or shards to make.
  std::atomic<bool> roundabout_{true};
};

} // namespace troupe::memory
