#pragma once

// A command that takes longer than a client may hold up the others of its thread. It
// goes on in slices, between which the thread serves them; its client waits for the
// reply, and so do its later commands.
//
//   connection ─► executor ─► command: first slice, keeps the rest in the client
//       ▲                                                       │
//       └── waits in the thread's line (workplace.hpp) ◄─ not done ┘
//
// The first slice of a command ends with that of its turn: many short commands in one
// turn take no longer than a long one.

#include <chrono>
#include <cstddef>

#include "apps/resp/reply_writer.hpp"

namespace troupe::server {

/// What is left of a command. Lives in its client, on the client's thread.
class unfinished_command {
public:
  /// How long a slice should take, about: what other clients wait for one.
  static constexpr std::chrono::microseconds slice{500};

  virtual ~unfinished_command() = default;

  /// Goes on until `deadline`, and some steps more. True when the command is done and
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
