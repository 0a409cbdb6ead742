#pragma once

// A command that does not answer at once. Its client waits for the reply, and so do the
// client's later commands. The thread serves its other clients. There are two kinds:
//
//   long      (unfinished.hpp) works longer than other clients should wait, so it works
//             in slices;
//   deferred  (ticket.hpp) has nothing to do until its ticket is answered.
//
//   connection ─► executor ─► command: keeps the rest in the client
//       ▲                                           │
//       ├── waits in the thread's line ◄── long ────┤
//       └── waits for its slot ◄────── deferred ────┘
//
// The time of a command's first slice also includes the commands before it in the same
// turn. So many short commands in one turn take no longer than a long one.

#include <chrono>
#include <cstddef>
#include <optional>

#include "apps/resp/reply_writer.hpp"

namespace troupe::server {

/// The rest of a command. Belongs to its client, and is used only on the client's
/// thread.
class unfinished_command {
public:
  /// The approximate time of a slice, for which other clients of the thread wait.
  static constexpr std::chrono::microseconds slice{500};

  virtual ~unfinished_command() = default;

  /// Whether it waits for an event, which then informs the client's connection.
  [[nodiscard]] virtual bool waits() const noexcept {
    return false;
  }

  /// When to call `time_over` while it waits; empty: never.
  [[nodiscard]] virtual std::optional<std::chrono::steady_clock::time_point>
  end() const noexcept {
    return std::nullopt;
  }

  /// Called when it has waited until `end`: it must then have a reply. Throws
  /// std::bad_alloc.
  virtual void time_over() {
    // nop
  }

  /// Works until `deadline`, or a few steps longer. Returns true when the command is
  /// done and has written its whole reply; before that it writes nothing. Precondition:
  /// it does not wait. May throw std::bad_alloc.
  [[nodiscard]] virtual bool
  go_on(resp::reply_writer& reply,
        std::chrono::steady_clock::time_point deadline)
    = 0;

  /// The memory of the results so far, in bytes. It counts as memory of the client.
  [[nodiscard]] virtual std::size_t held_bytes() const noexcept {
    return 0;
  }

  /// Whether the reply is dropped, because of CLIENT REPLY.
  bool unheard = false;
};

} // namespace troupe::server
