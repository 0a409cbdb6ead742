#pragma once

// Commands that answer later: how a command keeps a ticket instead of replying.
//
//   void run(command_call& call) {
//     const auto answer = defer(call, {.timeout = 5s});
//     if (!answer.expired())
//       backend.ask(call.words[1], [answer](result x) {         // any thread
//         answer.answer([x](auto& reply) { reply.bulk(x.text); });
//       });
//   }
//
// The client's later commands wait, and nothing more of it is read; other clients go on.
// It costs no thread. docs/architecture.md says what is so in a transaction, with CLIENT
// REPLY, at the end of the server, and so on.

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include <troupe/messages/types/error.hpp>

#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/answer_slot.hpp"

namespace troupe::server {

/// The right to answer one command once. Copies share it; when the last one goes without
/// an answer, the client gets an error. Thread-safe; may outlive client and server.
class ticket {
public:
  /// Has the client's thread write the reply. False when it was answered before, or the
  /// client no longer waits: nothing is written then. Constant time. Throws
  /// std::bad_alloc, and has done nothing then.
  bool answer(reply_function write) const;

  /// The same with an error, as `resp::error_text::of` spells it.
  bool fail(const error& why) const;

  /// The same with an error that begins with its kind, such as "ERR".
  bool fail(std::string_view text) const;

  /// Whether an answer would be dropped: there is one, or the client no longer waits.
  [[nodiscard]] bool expired() const noexcept;

  /// Stops when the client no longer waits: its connection has closed, the time is over,
  /// or CLIENT UNBLOCK was called. Not by an answer. Callbacks run on the thread that
  /// notices, mostly that of the client: they are brief and do not throw.
  [[nodiscard]] std::stop_token cancelled() const noexcept;

private:
  friend ticket defer(command_call& call, struct deferral how);

  class holder;

  explicit ticket(std::shared_ptr<answer_slot> slot);

  std::shared_ptr<const holder> holder_;
};

/// How a command waits.
struct deferral {
  /// How long at most; none: until it is answered or the client goes.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;

  /// The reply when the time is over, or CLIENT UNBLOCK says so; empty: an error,
  /// `resp::error_text::waited_too_long`.
  reply_function timed_out = {};
};

/// Lets the command that runs answer later. It writes nothing itself, and keeps no part
/// of `call`: the words are gone when it returns. Not twice for one command.
///
/// Within EXEC, whose commands are one step, nothing can wait: the time is over at once,
/// as in Redis, and the ticket is expired. Throws std::bad_alloc; the command has not
/// answered then.
[[nodiscard]] ticket defer(command_call& call, deferral how = {});

} // namespace troupe::server
