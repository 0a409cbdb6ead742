#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <troupe/actors/loads/load_coordinator.hpp>
#include <troupe/actors/regions/opened_region.hpp>
#include <troupe/actors/regions/region.hpp>
#include <troupe/actors/regions/region_directory.hpp>
#include <troupe/actors/regions/value_type.hpp>
#include <troupe/actors/runtime_options.hpp>
#include <troupe/actors/shell/lane_actor.hpp>
#include <troupe/actors/supervision/supervisor.hpp>
#include <troupe/actors/supervision/supervisor_actor.hpp>
#include <troupe/backends/memory/common_limit.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>
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
  metric_registry metrics;
};

/// The open regions of a runtime by their names, with their actors, and the limit of
/// bytes that they share. Thread-safe, but for `rebalance`.
class open_regions {
public:
  explicit open_regions(region_ground ground);

  /// See `runtime::open`. `wanted` may be nullptr: the options it is open with, or the
  /// defaults.
  expected<opened_region> open(std::string name, const region_options* wanted,
                               value_type type);

  [[nodiscard]] expected<opened_region> find(const std::string& name) const;

  // -- their actors ------------------------------------------------------------

  /// See `runtime::actor`.
  [[nodiscard]] expected<region_actor> front(const std::string& name) const;

  /// The actor of a region or of one of its shards. Errors: `unknown_actor`,
  /// `shutting_down`.
  [[nodiscard]] expected<found_actor> find_actor(const std::string& name) const;

  // -- figures -----------------------------------------------------------------

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

  /// Lets the regions tidy up.
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
  struct entry {
    std::shared_ptr<region> where;
    std::shared_ptr<region_directory> directory;
    value_type type;
    metric_registration metrics = {}; ///< They end with the entry.

    [[nodiscard]] opened_region handles() const {
      return {where, directory};
    }
  };

  [[nodiscard]] region_options complete(region_options x) const;
  expected<opened_region> reopen(const entry& present,
                                 const region_options* wanted,
                                 const value_type& type) const;
  expected<entry> start(const std::string& name, const region_options& options,
                        value_type type);
  [[nodiscard]] metric_registration
  show_metrics(const std::shared_ptr<region>& x) const;
  [[nodiscard]] std::vector<std::shared_ptr<region>> all() const;
  [[nodiscard]] std::size_t shards_open() const;
  [[nodiscard]] expected<void> check_shards(const region_options& x) const;
  [[nodiscard]] static region_info info_of(const std::string& name,
                                           const entry& x);

  const region_ground ground_;
  common_limit memory_limit_; ///< Of all regions that are in memory.

  /// One region is opened at a time.
  std::mutex turn_;

  /// Guards what follows.
  mutable std::mutex mutex_;
  std::map<std::string, entry> regions_;
  bool refuses_ = false;
};

} // namespace troupe::detail
