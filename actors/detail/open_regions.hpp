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

/// What the regions of a runtime stand on.
struct region_ground {
  caf::actor_system& system;
  const runtime_options& options;
  supervisor& tree;
  watch_function watch;
  std::shared_ptr<lane_scheduler> executor;
  std::shared_ptr<load_coordinator> loads;
};

/// The open regions of a runtime by their names, with their actors, and the limit of
/// bytes that they share. Thread-safe, but for `rebalance` and `tick`.
class open_regions {
public:
  explicit open_regions(region_ground ground);

  /// See `runtime::open`. `wanted` may be nullptr: the options it is open with, or the
  /// defaults.
  expected<opened_region> open(std::string name, const region_options* wanted,
                               value_type type);

  [[nodiscard]] expected<opened_region> find(const std::string& name) const;

  /// See `runtime::close`.
  expected<void> close(const std::string& name);

  // -- their actors ------------------------------------------------------------

  /// See `runtime::actor`.
  [[nodiscard]] expected<region_actor> front(const std::string& name) const;

  /// The actor of a region or of one of its shards, which is made if it was not.
  /// Errors: `unknown_actor`, `shutting_down`, `out_of_memory`.
  [[nodiscard]] expected<found_actor> find_actor(const std::string& name) const;

  // -- figures -----------------------------------------------------------------

  /// The open regions, by name.
  [[nodiscard]] std::vector<std::shared_ptr<region>> all() const;

  [[nodiscard]] std::vector<region_info> infos() const;

  /// As `region_info_request` asks. Errors: `unknown_region`.
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

  /// Lets those regions tidy up that may have something to do, starts the actors of
  /// shards that were made, and closes regions that are not used any more. From one
  /// thread.
  void tick();

  /// Moves limits to the shards that need them.
  void rebalance() {
    memory_limit_.rebalance();
  }

  /// Opens no region from now on; waits for one that is being opened.
  void refuse_more();

  /// Ends every operation of the regions with `shutting_down`.
  void stop();

  /// Lets go of the actors, which what outlives the runtime must not keep.
  void forget_actors();

private:
  /// An open region, for those who look after it.
  struct tended {
    std::shared_ptr<region> where;
    std::shared_ptr<region_directory> directory;
    std::size_t parts_seen = 0; ///< Guarded by `adopting_`, as `closed`.
    bool closed = false;
    unsigned quiet_ticks = 0; ///< In a row; for `tick`.
  };

  struct entry {
    std::shared_ptr<tended> care;
    value_type type;

    /// What is handed out of a region that is closed when it is not used.
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
  common_limit memory_limit_; ///< Of all regions that are in memory.

  /// One region is opened or closed at a time.
  std::mutex turn_;

  /// One actor of a part is started at a time. Taken after `turn_`.
  mutable std::mutex adopting_;

  /// The last handle of a region that is to be closed then has gone. Handles may live
  /// longer than this.
  const std::shared_ptr<std::atomic<bool>> unused_
    = std::make_shared<std::atomic<bool>>(false);

  /// Guards what follows.
  mutable std::mutex mutex_;
  std::map<std::string, entry> regions_;
  bool refuses_ = false;
  std::uint64_t ticks_ = 0;
  /// Those to be looked after, by the tick in which it is their turn.
  std::array<std::vector<std::shared_ptr<tended>>, defaults::longest_rest + 1>
    due_;
};

} // namespace troupe::detail
