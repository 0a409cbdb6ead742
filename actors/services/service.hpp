#pragma once

// A service: a coordinator actor of a runtime, which decides across keys or
// operations. To add one, derive a class from `typed_service` and pass an object of it
// to `runtime::add`. The runtime then starts the service's actor, shows it in the
// supervisor's tree and restarts it after a crash. It finds the service by its name,
// ticks it, shows its figures in the console, and drains it.
//
//   runtime::add ──► service_directory ──► supervisor: start, restart, end the actor
//                       │ tick, drain, figures, rows
//                       ▼
//                    service ◄──── state ──── its actor (start_actor), which may die
//
// State that must survive a crash of the actor belongs in the service.
//
// Threading: the runtime calls the functions below from several threads, sometimes at
// the same time. They must not call the runtime's `drain`, and only `start_actor` may
// throw.

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

/// The functions of a service that the runtime calls. Derive from `typed_service`.
class service {
public:
  service() = default;
  service(const service&) = delete;
  service& operator=(const service&) = delete;
  virtual ~service() = default;

  /// The name of the service's actor, unique among the actors of the runtime: 1 to 100
  /// letters, digits and any of `._:-`. Must always return the same name.
  [[nodiscard]] virtual std::string name() const = 0;

  /// The kind of the actor (`actor_info::kind`), which determines the messages that the
  /// actor accepts. `for_each_interface` (messages/interfaces.hpp) lists the interfaces
  /// of Troupe's own kinds.
  [[nodiscard]] virtual std::string kind() const = 0;

  /// Whether the actor is restarted after every crash. If false, the actor stays down
  /// after more than `restart_limit` crashes within `restart_window`.
  [[nodiscard]] virtual bool always_restarted() const {
    return false;
  }

  /// The figures in the row of the actor.
  [[nodiscard]] virtual child_figures usage() const {
    return {};
  }

  /// The numbers that the console's `stat` shows.
  [[nodiscard]] virtual std::vector<service_figure> figures() const {
    return {};
  }

  /// Adds rows below the row of the actor. Their names begin with "NAME/". Adds only
  /// rows whose name starts with `prefix`. Adds no more rows than a person can read
  /// (about 100), and counts the others in `omitted`.
  virtual void add_rows(std::string_view prefix, actor_list& to) const {
    static_cast<void>(prefix);
    static_cast<void>(to);
  }

  /// Called every `defaults::tick` until all services are drained, one call at a time.
  /// May be called while `drain` runs. Must be brief, because all services are ticked
  /// on one thread.
  virtual void tick() {
    // nop
  }

  /// Called once, when the runtime drains. The actor has not been ended yet, and the
  /// services that were added before this one still work. The service refuses new work
  /// (`shutting_down`) and finishes the work in progress. At the deadline it gives up
  /// the rest and must return. Returns a text for each item that was stuck, for the
  /// report of the drain. The service need not report an actor that does not end: the
  /// runtime does that.
  [[nodiscard]] virtual std::vector<std::string>
  drain(std::chrono::steady_clock::time_point deadline) {
    static_cast<void>(deadline);
    return {};
  }

  // -- the actor: see typed_service ----------------------------------------------

  /// Starts the actor, for the first time or after a crash. Returns its handle, which
  /// is never empty. Throws what `start_actor` throws.
  virtual caf::strong_actor_ptr start_next(caf::actor_system& system) = 0;

  /// The present actor. Empty before the first start and after the drain.
  [[nodiscard]] virtual caf::strong_actor_ptr pointer() const = 0;

  /// Called after the actors of the runtime have ended: releases all handles.
  virtual void forget_actor() = 0;
};

/// A service whose actor has this typed handle.
template <class Handle>
class typed_service : public service {
public:
  /// The present actor. Empty before the first start and after the drain. Between a
  /// crash and the restart this is the dead actor, which answers no request.
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
  /// Starts the actor, hidden (shell/spawn.hpp), and returns its handle, never empty.
  /// When it throws, `runtime::add` fails with `system_error`, or the actor stays down
  /// until the next `restart`.
  [[nodiscard]] virtual Handle start_actor(caf::actor_system& system) = 0;

private:
  actor_slot<Handle> present_;
};

} // namespace troupe
