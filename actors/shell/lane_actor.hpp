#pragma once

// An actor of CAF whose mailbox is a lane: a message is handled on the sender's thread
// when the actor is idle, which saves the wake-up of a sleeping worker (65 µs against
// 0.5 µs). Otherwise it is an ordinary actor: addressable, monitored, linked, one
// message at a time.
//
//   send ──► lane idle? ── yes ──► handled here, now
//                 │ no
//                 └──► queued; handled on the thread that runs the lane
//
//   the actor clock, anon_send ──► detour: handled by a worker of CAF, in order
//
// Invariants
//   1. Everything the actor does (initialisation, handlers, termination, functions of
//      `in_turn`) happens in a turn of the lane: one at a time, each after the effects
//      of the previous one.
//   2. Messages of one sender are handled in the order of sending.
//   3. Every request is answered: by its handler, or with `overloaded` (too many wait),
//      `shard_down` (the actor has ended) or `shutting_down` (it was ended normally).
//   4. Between turns the actor's execution unit is the system's own, never that of a
//      sender, which may no longer exist.
//
// Threading: a handler runs on the thread of a sender, inside that thread's work, so it
//   must be brief and must not block.
//
// Unlike CAF's mailbox, this one cannot skip a message (it is answered with an error;
// so use `then`, not `await`), has no streams, does not let urgent messages overtake
// others, and cannot run detached.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include <caf/actor_config.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <troupe/backends/core/lane.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// The part of a lane actor that does not depend on its interface: passes messages and
/// functions to the lane. Thread-safe unless a member says otherwise.
class lane_port final : public caf::resumable {
public:
  lane_port(caf::scheduled_actor& self, lane& mailbox);

  /// Handles the message in the actor's turn, or answers it with an error. Without
  /// `ctx` the message takes the detour: it then comes from a thread that must not be
  /// delayed or blocked, above all the actor clock (its queue is bounded, and a handler
  /// that sets timeouts could wait for itself).
  void deliver(caf::mailbox_element_ptr what, caf::execution_unit* ctx);

  /// Initialises the actor in its turn.
  void launch(bool hide, bool lazy);

  /// Runs `f`, which must not throw, in a turn of the actor, also when the actor has
  /// ended.
  template <class F>
  void in_turn(F f) {
    submit(mailbox_, [this, keep = strong_self(), f = std::move(f)]() mutable {
      f();
      leave_turn();
    });
  }

  /// Messages, other than requests and the system's signals, that came when the mailbox
  /// was full and were dropped.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_relaxed);
  }

  // -- called by CAF's scheduler -----------------------------------------------

  subtype_t subtype() const override;
  resume_result resume(caf::execution_unit* ctx, std::size_t) override;
  void intrusive_ptr_add_ref_impl() override;
  void intrusive_ptr_release_impl() override;

private:
  class queued_message;

  [[nodiscard]] caf::strong_actor_ptr strong_self() const;
  [[nodiscard]] bool full() const noexcept;
  void enter(caf::mailbox_element_ptr what, caf::execution_unit& ctx);
  void detour(caf::mailbox_element_ptr what);
  caf::mailbox_element_ptr next_detoured();
  void refuse(caf::mailbox_element& what, caf::execution_unit& ctx);
  void answer(caf::mailbox_element& what, caf::error why,
              caf::execution_unit* ctx) const;
  void handle(caf::mailbox_element& what, caf::execution_unit& ctx) noexcept;
  [[nodiscard]] error epitaph() const;
  void leave_turn() noexcept;

  caf::scheduled_actor& self_;
  lane& mailbox_;
  std::atomic<std::uint64_t> dropped_{0};

  /// Messages on the detour, including those that are being moved into the lane. While
  /// there are any, all other messages follow them (invariant 2).
  std::atomic<std::size_t> on_detour_{0};
  std::mutex detour_mutex_;
  std::list<caf::mailbox_element_ptr> detour_; ///< Takes no memory when empty.
};

/// Base class of lane actors. `Handle` is the typed handle of the actor, e.g.
/// `shard_actor`; derive and implement `make_behavior` and, if needed, `on_exit`.
template <class Handle>
class lane_actor : public Handle::base {
public:
  using super = typename Handle::base;

  /// `mailbox` must outlive the actor. It may carry other tasks, too, and may have
  /// served another actor before.
  lane_actor(caf::actor_config& cfg, lane& mailbox)
    : super(cfg), port_(*this, mailbox) {
    // nop
  }

  using super::enqueue;

  void enqueue(caf::mailbox_element_ptr what,
               caf::execution_unit* ctx) override {
    port_.deliver(std::move(what), ctx);
  }

  void launch(caf::execution_unit*, bool lazy, bool hide) override {
    port_.launch(hide, lazy);
  }

  /// See `lane_port::in_turn`: fulfils a response promise with a result from another
  /// thread.
  template <class F>
  void in_turn(F f) {
    port_.in_turn(std::move(f));
  }

  /// See `lane_port::dropped`.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return port_.dropped();
  }

private:
  lane_port port_;
};

/// Runs lanes that were passed on, on the workers of CAF's scheduler.
class lane_scheduler final : public lane_executor {
public:
  explicit lane_scheduler(caf::actor_system& system);

  /// Stops using the system, but unlike `close` does not wait: the last owner of a lane
  /// and of this executor may be a task of that lane.
  ~lane_scheduler() override;

  void schedule(lane& which) noexcept override;

  /// Returns when no lane is on its way to a worker or runs on one, and sends none from
  /// now on: a lane that is passed on then continues on its thread. Must be called
  /// before the system ends, not inside a lane.
  void close() noexcept;

private:
  class job;
  class gate;

  std::shared_ptr<gate> gate_;
};

} // namespace troupe
