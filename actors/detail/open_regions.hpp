#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/opened_region.hpp>
#include <troupe/actors/regions/region_declared.hpp>
#include <troupe/actors/regions/region_directory.hpp>
#include <troupe/actors/regions/value_type.hpp>
#include <troupe/actors/runtime_options.hpp>
#include <troupe/actors/shell/lane_actor.hpp>
#include <troupe/actors/supervision/supervisor.hpp>
#include <troupe/actors/supervision/supervisor_actor.hpp>
#include <troupe/backends/memory/common_limit.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::detail {

/// The parts of the runtime that its regions use.
struct region_ground {
  caf::actor_system& system;
  const runtime_options& options;
  supervisor& tree;
  watch_function watch;
  std::shared_ptr<lane_scheduler> executor;
  std::shared_ptr<load_coordinator> loads;
};

/// The open regions of a runtime by their names, with their actors, and the limit of
/// bytes that they share. Thread-safe, except `rebalance` and `tick`: one thread calls
/// both.
class open_regions {
public:
  explicit open_regions(region_ground ground);

  /// See `runtime::open`. When `wanted` is nullptr, an open region is returned with its
  /// present options, and a new region gets the default options.
  expected<opened_region> open(std::string name, const region_options* wanted,
                               value_type type);

  [[nodiscard]] expected<opened_region> find(const std::string& name) const;

  /// See `runtime::close`.
  expected<void> close(const std::string& name);

  // -- their actors ------------------------------------------------------------

  /// See `runtime::actor`.
  [[nodiscard]] expected<region_actor> front(const std::string& name) const;

  /// The actor of a region or of one of its shards. Makes the shard if it does not
  /// exist yet. Errors: `unknown_actor`, `shutting_down`, `out_of_memory`.
  [[nodiscard]] expected<found_actor> find_actor(const std::string& name) const;

  // -- figures -----------------------------------------------------------------

  /// The open regions, sorted by name.
  [[nodiscard]] std::vector<std::shared_ptr<region>> all() const;

  [[nodiscard]] std::vector<region_info> infos() const;

  /// The reply to `region_info_request`: an empty name means db0 or, without db0, the
  /// first region by name. Errors: `unknown_region`.
  [[nodiscard]] expected<region_info> info(const std::string& name) const;

  // -- memory ------------------------------------------------------------------

  [[nodiscard]] std::size_t max_bytes() const noexcept {
    return memory_limit_.max_bytes();
  }

  /// See `runtime::check_max_bytes`.
  [[nodiscard]] expected<void> check_max_bytes(std::size_t x) const;

  /// See `runtime::set_max_bytes`. Precondition: `check_max_bytes`.
  void set_max_bytes(std::size_t x);

  // -- time and the end --------------------------------------------------------

  /// Does the housekeeping of regions that may have work, starts the actors of new
  /// shards, and closes unused regions (`region_options::close_when_unused`).
  void tick();

  /// Moves limits to the shards that need them.
  void rebalance() {
    memory_limit_.rebalance();
  }

  /// Refuses to open and close regions from now on. Waits until a region that is being
  /// opened or closed is done.
  void refuse_more();

  /// Ends every operation of the regions with `shutting_down`.
  void stop();

  /// Drops the handles of the actors. Region handles may outlive the runtime and must
  /// not keep its actors alive.
  void forget_actors();

private:
  /// An open region, for `tick`, `end` and the start of its shards' actors.
  struct tended {
    std::shared_ptr<region> where;
    std::shared_ptr<region_directory> directory;
    std::size_t parts_seen = 0; ///< Parts with actors. Guarded by `adopting_`.
    bool closed = false;        ///< Guarded by `adopting_`.
    unsigned quiet_ticks = 0;   ///< Checks without work in a row. For `tick`.
  };

  struct entry {
    std::shared_ptr<tended> care;
    value_type type;

    /// The handle that callers get when the region is opened with
    /// `close_when_unused`: the region is closed after its last copy is gone.
    mutable std::weak_ptr<region> handle;

    [[nodiscard]] region& where() const noexcept {
      return *care->where;
    }
  };

  [[nodiscard]] region_options complete(region_options x) const;
  expected<opened_region> reopen(const entry& present,
                                 const region_options* wanted,
                                 const value_type& type) const;
  expected<entry> start(const std::string& name, const region_options& options,
                        value_type type);
  [[nodiscard]] opened_region handles(const entry& x) const;
  expected<void> adopt_parts(tended& which) const;
  void end(const std::vector<entry>& gone);
  void close_unused();
  [[nodiscard]] static unsigned rest_after(tended& which, bool busy) noexcept;
  [[nodiscard]] std::size_t shards_open() const;
  [[nodiscard]] expected<void> check_shards(const region_options& x) const;
  [[nodiscard]] static region_info info_of(const std::string& name,
                                           const entry& x);

  const region_ground ground_;
  common_limit memory_limit_; ///< The limit of all regions in memory.

  /// One region is opened or closed at a time.
  std::mutex turn_;

  /// One actor of a part is started at a time. Taken after `turn_`.
  mutable std::mutex adopting_;

  /// Set when the last handle of a region with `close_when_unused` is gone. Shared with
  /// the handles, because they may outlive this object.
  const std::shared_ptr<std::atomic<bool>> unused_
    = std::make_shared<std::atomic<bool>>(false);

  /// Guards the members below.
  mutable std::mutex mutex_;
  std::map<std::string, entry> regions_;
  bool refuses_ = false;
  std::uint64_t ticks_ = 0;
  /// The regions that `tick` checks, by the tick of their next check.
  std::array<std::vector<std::shared_ptr<tended>>, defaults::longest_rest + 1>
    due_;
};

} // namespace troupe::detail
