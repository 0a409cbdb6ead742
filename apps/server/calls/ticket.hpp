#pragma once

// Commands that answer later: such a command keeps a ticket instead of replying.
//
//   void run(command_call& call) {
//     const auto answer = defer(call, {.timeout = 5s});
//     if (!answer.expired())
//       backend.ask(call.words[1], [answer](result x) {         // any thread
//         answer.answer([x](auto& reply) { reply.bulk(x.text); });
//       });
//   }
//
// Until the answer, the client's later commands wait, and the server reads nothing more
// from it. Other clients are served. The wait occupies no thread. docs/architecture.md
// describes what happens in a transaction, with CLIENT REPLY, and when the server ends.

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include <troupe/messages/types/error.hpp>

#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/answer_slot.hpp"

namespace troupe::server {

/// The right to answer one command once. Copies share it. When the last copy ends
/// without an answer, the client gets an error. Thread-safe. May outlive client and
/// server.
class ticket {
public:
  /// Answers the command: `write` runs on the client's thread and writes the reply.
  /// Returns false when the command was answered before or the client no longer waits;
  /// `write` is dropped then. Constant time. Throws std::bad_alloc; nothing has changed
  /// then.
  bool answer(reply_function write) const;

  /// Answers with an error, whose text is `resp::error_text::of(why)`. Otherwise like
  /// `answer`.
  bool fail(const error& why) const;

  /// Answers with an error text that begins with its kind, such as "ERR". Otherwise
  /// like `answer`.
  bool fail(std::string_view text) const;

  /// Whether an answer would be dropped: the command was answered, or the client no
  /// longer waits.
  [[nodiscard]] bool expired() const noexcept;

  /// Stops when the client no longer waits: its connection has closed, the timeout has
  /// passed, or CLIENT UNBLOCK was called. An answer does not stop it. Callbacks run on
  /// the thread that ends the wait, mostly the client's: they must be brief and must
  /// not throw.
  [[nodiscard]] std::stop_token cancelled() const noexcept;

private:
  friend ticket defer(command_call& call, struct deferral how);

  class holder;

  explicit ticket(std::shared_ptr<answer_slot> slot);

  std::shared_ptr<const holder> holder_;
};

/// How long a command waits, and its reply after the timeout.
struct deferral {
  /// The longest wait; empty: until the answer, or until the client is gone.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;

  /// The reply after the timeout, and after CLIENT UNBLOCK with TIMEOUT. Empty: the
  /// error `resp::error_text::waited_too_long`.
  reply_function timed_out = {};
};

/// Lets the running command answer later. The command must not write a reply itself,
/// and must keep no part of `call`: its words are invalid when the command returns. To
/// be called once for a command, on the client's thread.
///
/// EXEC executes its commands as one step, in which no command can wait. There the
/// reply for the timeout is written at once, as in Redis, and the ticket is expired.
/// Throws std::bad_alloc; the command has not replied then.
[[nodiscard]] ticket defer(command_call& call, deferral how = {});

} // namespace troupe::server
