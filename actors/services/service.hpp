#pragma once

// A service: a coordinator actor of a runtime, which decides across keys or
// operations. A class derived from `typed_service` is all that a new one takes;
// `runtime::add` starts it. It then has a row in the supervisor's tree, is restarted
// when its actor crashes, is found by its name, is ticked, shows its figures in the
// console, and is drained.
//
//   runtime::add ──► service_directory ──► supervisor: start, restart, end the actor
//                       │ tick, drain, figures, rows
//                       ▼
//                    service ◄──── state ──── its actor (start_actor), which may die
//
// What has to survive a crash of the actor belongs to the service.
//
// Threading: the runtime calls the functions below from several threads, at times at
// once. They must not throw and must not call the runtime's `drain`.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/actors/shell/actor_life.hpp>
#include <troupe/actors/shell/actor_slot.hpp>
#include <troupe/actors/supervision/supervisor.hpp>
#include <troupe/messages/requests/actors.hpp>
#include <troupe/messages/requests/services.hpp>

namespace troupe {

/// What a runtime knows of a service. Derive from `typed_service`.
class service {
public:
  service() = default;
  service(const service&) = delete;
  service& operator=(const service&) = delete;
  virtual ~service() = default;

  /// The name of its actor: that of no other actor of the runtime, 1 to 100 letters,
  /// digits and any of `._:-`.
  [[nodiscard]] virtual std::string name() const = 0;

  /// The kind of its actor (`actor_info::kind`), which says what messages it takes:
  /// `for_each_interface` (messages/interfaces.hpp) has the interfaces of Troupe's own
  /// kinds.
  [[nodiscard]] virtual std::string kind() const = 0;

  /// Whether its actor is started again however often it crashes. If not, it stays
  /// down after more than `restart_limit` crashes within `restart_window`.
  [[nodiscard]] virtual bool always_restarted() const {
    return false;
  }

  /// What the row of its actor shows.
  [[nodiscard]] virtual child_figures usage() const {
    return {};
  }

  /// The numbers that the console's `stat` shows.
  [[nodiscard]] virtual std::vector<service_figure> figures() const {
    return {};
  }

  /// Adds rows below that of its actor, named "NAME/...": those whose name starts
  /// with `prefix`, few enough for a person to read; counts the others in `omitted`.
  virtual void add_rows(std::string_view prefix, actor_list& to) const {
    static_cast<void>(prefix);
    static_cast<void>(to);
  }

  /// Called every `defaults::tick` until all services are drained, one call at a time.
  /// Must be brief.
  virtual void tick() {
    // nop
  }

  /// Called once, while its actor runs and all that was started before this service
  /// works. Takes nothing new (`shutting_down`), finishes what is under way, and gives
  /// up the rest at the deadline, when it must return. Returns what was stuck, as the
  /// report of the drain shows it. The runtime names an actor that does not end by
  /// itself.
  [[nodiscard]] virtual std::vector<std::string>
  drain(std::chrono::steady_clock::time_point deadline) {
    static_cast<void>(deadline);
    return {};
  }

  // -- its actor: see typed_service ----------------------------------------------

  /// Starts the actor, for the first time or again; its handle, never empty.
  virtual caf::strong_actor_ptr start_next(caf::actor_system& system) = 0;

  /// The present actor; empty before it was started and after the drain.
  [[nodiscard]] virtual caf::strong_actor_ptr pointer() const = 0;

  /// The actors of the runtime have ended: lets go of all handles.
  virtual void forget_actor() = 0;
};

/// A service whose actor has this typed handle.
template <class Handle>
class typed_service : public service {
public:
  /// The present actor; empty before it was started and after the drain. It answers
  /// no request while it is dead and not yet started again.
  [[nodiscard]] Handle actor() const {
    return present_.get();
  }

  caf::strong_actor_ptr start_next(caf::actor_system& system) final {
    present_.set(start_actor(system));
    return present_.pointer();
  }

  [[nodiscard]] caf::strong_actor_ptr pointer() const final {
    return present_.pointer();
  }

  void forget_actor() override {
    present_.clear();
  }

protected:
  /// Starts the actor, hidden (shell/spawn.hpp). What it throws leaves the actor down.
  [[nodiscard]] virtual Handle start_actor(caf::actor_system& system) = 0;

private:
  actor_slot<Handle> present_;
};

} // namespace troupe
