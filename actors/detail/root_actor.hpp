#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include <troupe/actors/shell/actor_life.hpp>
#include <troupe/actors/shell/actor_slot.hpp>
#include <troupe/actors/supervision/supervisor_actor.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/report_function.hpp>

namespace troupe::detail {

/// The supervisor actor of a runtime. When it dies, the next one is started at once:
/// nothing else could do that. Thread-safe.
class root_actor : public std::enable_shared_from_this<root_actor> {
public:
  /// `report` may be empty.
  root_actor(caf::actor_system& system, report_function report);

  /// Starts the actor, which does not keep `runtime` alive.
  void start(std::weak_ptr<supervised> runtime);

  [[nodiscard]] supervisor_actor get() const {
    return present_.get();
  }

  /// Its row in the list of actors.
  [[nodiscard]] child_view view() const;

  /// How often it died and was started again.
  [[nodiscard]] std::uint64_t restarts() const;

  /// Has deaths reported to the present actor. It starts to watch all actors when it
  /// begins, so that a death between two of them is reported, too. The result must not
  /// outlive this.
  [[nodiscard]] watch_function watch() const;

  /// Starts no other one from now on.
  void retire();

  /// Ends the actor, and reports when that takes too long.
  void end();

private:
  void start_next();
  void ended();

  caf::actor_system& system_;
  const report_function report_;
  std::weak_ptr<supervised> runtime_;
  actor_slot<supervisor_actor> present_;

  /// Guards what follows.
  mutable std::mutex mutex_;
  std::uint64_t restarts_ = 0;
  bool retired_ = false;
};

} // namespace troupe::detail
