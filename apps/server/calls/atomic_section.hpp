#pragma once

// What must look like one step to every client: EXEC, and commands that change
// several keys.
//
//   changing:  hold the mailboxes of all keys (troupe::memory::joint_turn); open the
//              gate; change; close the gate; let the mailboxes go
//   reading:   several keys: wait while the gate is open; read; again when it
//              was opened meanwhile. One key: wait while the gate is open.
//
// Reads take no mailbox, so the gate is what keeps a client from seeing one half
// of a change, or, in two commands, the new half and then the old one.

#include <optional>

#include <troupe/backends/memory/turns/change_gate.hpp>
#include <troupe/backends/memory/turns/joint_turn.hpp>
#include <troupe/backends/memory/turns/turn_plan.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/client.hpp"

namespace troupe {

class region;

} // namespace troupe

namespace troupe::server {

/// One change of several keys, on one thread. Within another one (a command of
/// a transaction) it does nothing: that one holds all its keys already.
class atomic_section {
public:
  explicit atomic_section(client& self) noexcept;

  /// Ends the change.
  ~atomic_section();

  atomic_section(const atomic_section&) = delete;
  atomic_section& operator=(const atomic_section&) = delete;

  /// Before `begin`. The key must be valid until then; regions are in memory.
  void add(region& where, const hashed_key& key);
  void add_all(region& where);

  /// Waits for the turn. Errors: those of `joint_turn::begin`.
  expected<void> begin();

  /// Takes the turn to look only: nothing may be changed, and no reader waits. False
  /// where it would have to wait for a shard.
  [[nodiscard]] bool try_look();

  /// Once it has begun: what a call will store, in the order of the calls.
  void plan(command_call& call);

  /// Sees to it that all that was planned has room: the change is done as a whole or
  /// not at all. Errors: those of `turn_plan::reserve`.
  expected<void> reserve();

private:
  client& self_;
  bool nested_;
  memory::joint_turn turn_;
  std::optional<memory::gate_opening> opening_; ///< Once it has begun.
  memory::turn_plan plan_; ///< Ends before the turn, as the opening does.
};

/// Adds what a call concerns to a section that is about to begin.
void add_keys(command_call& call, atomic_section& section);

} // namespace troupe::server
