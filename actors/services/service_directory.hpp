#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/actors/services/service.hpp>
#include <troupe/actors/shell/actor_life.hpp>
#include <troupe/actors/supervision/supervisor.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// The services of a runtime. Thread-safe.
class service_directory {
public:
  /// `system` and `tree` must outlive the directory, and what `watch` uses must
  /// outlive the tree.
  service_directory(caf::actor_system& system, supervisor& tree,
                    watch_function watch);

  /// Starts a service. Errors: `invalid_argument` (it is null, or its name is not
  /// allowed or is taken), `shutting_down`, `system_error` (its actor cannot be
  /// started).
  expected<void> add(std::shared_ptr<service> x);

  /// The service of this name, or nullptr. Complexity: linear in the services.
  [[nodiscard]] std::shared_ptr<service> find(std::string_view name) const;

  /// Ticks each service, the oldest first.
  void tick();

  /// Drains each service once, the youngest first, as it may use those before it.
  /// Returns what was stuck. None is added afterwards.
  [[nodiscard]] std::vector<std::string>
  drain(std::chrono::steady_clock::time_point deadline);

  /// Lets go of the actors, which what outlives the runtime must not keep.
  void forget_actors();

  // -- what is shown -------------------------------------------------------------

  [[nodiscard]] std::vector<service_info> infos() const;

  /// See `service::add_rows`.
  void add_rows(std::string_view prefix, actor_list& to) const;

private:
  using list = std::vector<std::shared_ptr<service>>;

  [[nodiscard]] std::shared_ptr<const list> all() const;
  [[nodiscard]] child_spec spec_of(const std::shared_ptr<service>& x) const;

  caf::actor_system& system_;
  supervisor& tree_;
  const watch_function watch_;

  /// One service is added at a time. Taken before `mutex_`.
  std::mutex turn_;
  bool refuses_ = false; ///< Under `turn_`.

  /// Held while services are ticked. No tick is under way after `drain`.
  std::mutex ticking_;
  bool drained_ = false; ///< Under `ticking_`.

  mutable std::mutex mutex_; ///< Guards what follows.
  std::shared_ptr<const list> all_ = std::make_shared<const list>();
};

} // namespace troupe
