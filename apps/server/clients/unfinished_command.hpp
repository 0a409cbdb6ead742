#pragma once

// A command that does not answer at once. Its client waits for the reply, and so do the
// client's later commands; the thread serves the others. There are two kinds:
//
//   long      (unfinished.hpp) has more to do than a client may hold up the others of its
//             thread for, and goes on in slices;
//   deferred  (ticket.hpp) has nothing to do until its ticket is answered.
//
//   connection ─► executor ─► command: keeps the rest in the client
//       ▲                                           │
//       ├── waits in the thread's line ◄── long ────┤
//       └── waits for its slot ◄────── deferred ────┘
//
// The first slice of a command ends with that of its turn: many short commands in one
// turn take no longer than a long one.

#include <chrono>
#include <cstddef>
#include <optional>

#include "apps/resp/reply_writer.hpp"

namespace troupe::server {

/// What is left of a command. Lives in its client, on the client's thread.
class unfinished_command {
public:
  /// How long a slice should take, about: what other clients wait for one.
  static constexpr std::chrono::microseconds slice{500};

  virtual ~unfinished_command() = default;

  /// Whether it goes on only once something has happened, which calls the client's
  /// connection.
  [[nodiscard]] virtual bool waits() const noexcept {
    return false;
  }

  /// When `time_over` is due, of one that waits; none: never.
  [[nodiscard]] virtual std::optional<std::chrono::steady_clock::time_point>
  end() const noexcept {
    return std::nullopt;
  }

  /// It has waited as long as it may: its reply is due. Throws std::bad_alloc.
  virtual void time_over() {
    // nop
  }

  /// Unless it waits, goes on until `deadline`, and some steps more. True when the command is done and
  /// has written its reply, of which there is nothing before. May throw
  /// std::bad_alloc.
  [[nodiscard]] virtual bool
  go_on(resp::reply_writer& reply,
        std::chrono::steady_clock::time_point deadline)
    = 0;

  /// What it has gathered so far, in bytes: it counts among what the client keeps.
  [[nodiscard]] virtual std::size_t held_bytes() const noexcept {
    return 0;
  }

  /// The client does not want the reply.
  bool unheard = false;
};

} // namespace troupe::server
