#pragma once

// EXEC and commands that change several keys: every client sees their changes as one
// step.
//
//   a change              hold the mailboxes of all keys (troupe::memory::joint_turn) →
//                         open the gate → change → close the gate → release the
//                         mailboxes
//   reading several keys  wait while the gate is open → read → repeat if the gate was
//                         opened meanwhile
//   reading one key       wait while the gate is open → read
//
// Reads take no mailbox. Only the gate prevents that a client sees one half of a
// change, or, in two commands, first the new half and then the old one.

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

/// One change of several keys, on one thread. Inside another section of the client (a
/// command of a transaction) it does nothing, because that section holds all keys.
class atomic_section {
public:
  /// `self` must outlive the section.
  explicit atomic_section(client& self) noexcept;

  /// Ends the change: closes the gate and releases the mailboxes.
  ~atomic_section();

  atomic_section(const atomic_section&) = delete;
  atomic_section& operator=(const atomic_section&) = delete;

  /// Adds a key, which must be valid until `begin`. To be called before `begin`. The
  /// provider of the region must be the memory provider.
  void add(region& where, const hashed_key& key);

  /// Adds all keys of a region. Otherwise like `add`.
  void add_all(region& where);

  /// Waits for the mailboxes and opens the gate. Errors: the errors of
  /// `joint_turn::begin`.
  expected<void> begin();

  /// Takes the mailboxes for reading only: the gate stays closed, so readers do not
  /// wait and the caller must change nothing. Returns false if it would have to wait.
  [[nodiscard]] bool try_look();

  /// Plans what a call will store. To be called after `begin`, in the order of the
  /// calls.
  void plan(command_call& call);

  /// Makes room for all that was planned, so that the change is done as a whole or not
  /// at all. Errors: the errors of `turn_plan::reserve`.
  expected<void> reserve();

private:
  client& self_;
  bool nested_;
  memory::joint_turn turn_;
  std::optional<memory::gate_opening> opening_; ///< Once it has begun.
  memory::turn_plan plan_; ///< Ends before the turn, as the opening does.
};

/// Adds all keys that a call reads or changes to a section that has not begun.
void add_keys(command_call& call, atomic_section& section);

} // namespace troupe::server
