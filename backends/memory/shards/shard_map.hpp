#pragma once

// Which shard of a region owns a key: the shards of all groups (shard_group.hpp),
// numbered through. A key's prefix determines its group, and its hash the shard in the
// group. Without namespaces there is one group, and prefixes are not compared.

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

/// Thread-safe. Its shards never change.
class shard_map {
public:
  using group_list = std::vector<std::unique_ptr<shard_group>>;

  /// Makes the shards; where `options` leave their number open, writes it there. `with`
  /// holds what all stores share and the region's budgets; the budgets of namespaces
  /// are made within them. Throws std::bad_alloc.
  shard_map(const std::string& region, region_options& options,
            const store_options& with,
            const std::shared_ptr<tag_registry>& tags, lane_executor& executor);

  /// The number of the shard that owns a key.
  [[nodiscard]] std::size_t number_of(const hashed_key& key) const noexcept {
    if (divided_) [[unlikely]]
      return groups_[group_of(key.key)]->shard_of(key.hash);
    return shard_bits(key.hash) & mask_;
  }

  [[nodiscard]] shard& owner(const hashed_key& key) const noexcept {
    return *all_[number_of(key)];
  }

  /// All shards, by number.
  [[nodiscard]] const std::vector<shard*>& all() const noexcept {
    return all_;
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

  [[nodiscard]] std::size_t size() const noexcept {
    return all_.size();
  }

  /// Number of entries, including expired ones that are not yet swept.
  [[nodiscard]] std::size_t entries() const noexcept;

  /// Errors: `shutting_down`, after the shards were stopped.
  [[nodiscard]] expected<void> check_running() const {
    if (all_[0]->store().stopped()) [[unlikely]]
      return stopped();
    return {};
  }

  [[nodiscard]] tl::unexpected<error> stopped() const;

  [[nodiscard]] shard* operator[](std::size_t number) const noexcept {
    return all_[number];
  }

  [[nodiscard]] auto begin() const noexcept {
    return all_.begin();
  }

  [[nodiscard]] auto end() const noexcept {
    return all_.end();
  }

private:
  /// The number of the group that a key belongs to.
  [[nodiscard]] std::size_t group_of(bytes_view key) const noexcept;

  void add(const std::string& region, const store_options& with,
           std::chrono::milliseconds op_timeout, lane_executor& executor);

  std::string region_;
  prefix_map prefixes_;
  group_list groups_;
  std::vector<shard*> all_;
  std::size_t mask_ = 0; ///< Of group 0.
  bool divided_;         ///< There are namespaces.
};

} // namespace troupe::memory
