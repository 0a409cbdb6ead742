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
  /// `system` and `tree` must outlive the directory. `watch` has the death of an actor
  /// reported; objects that it refers to must outlive the tree.
  service_directory(caf::actor_system& system, supervisor& tree,
                    watch_function watch);

  /// Adds a service and starts its actor. Errors: `invalid_argument` (`x` is null, or
  /// its name is not allowed or is taken), `shutting_down` (after `drain` began),
  /// `system_error` (the actor cannot be started). After an error `x` is not added.
  expected<void> add(std::shared_ptr<service> x);

  /// The service of this name, or nullptr. Linear in the number of services.
  [[nodiscard]] std::shared_ptr<service> find(std::string_view name) const;

  /// Ticks each service, the oldest first. Does nothing after `drain`.
  void tick();

  /// Drains each service, the youngest first, because a service may use older ones.
  /// Returns the texts of what was stuck. To be called once. From the beginning of the
  /// call on, `add` is refused.
  [[nodiscard]] std::vector<std::string>
  drain(std::chrono::steady_clock::time_point deadline);

  /// Releases the handles of all actors, because objects that outlive the runtime must
  /// not keep its actors.
  void forget_actors();

  // -- for the console -----------------------------------------------------------

  /// Names, kinds and figures of all services, the oldest first.
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

  /// Held while services are ticked, so no tick runs after `drain` has returned.
  std::mutex ticking_;
  bool drained_ = false; ///< Under `ticking_`.

  mutable std::mutex mutex_; ///< Guards the members below.
  std::shared_ptr<const list> all_ = std::make_shared<const list>();
};

} // namespace troupe
