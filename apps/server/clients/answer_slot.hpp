#pragma once

// Brings the reply of a command that answers later to the client's thread.
//
//   command ── ticket ──► answer_slot ◄── deferred command, in the client
//                 put(): any thread │ once
//                                   ▼
//                              answer_line ── wakes, once for many ──► client's thread
//
// Invariants
//   1. A slot leaves the state `waiting` once: by the first `put`, or by `cancel`. A
//      later reply is dropped.
//   2. The reply is stored before the state becomes `answered`, and is read only after.
//   3. A line holds a slot at most once. So its length is bounded by the number of
//      clients of the thread.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>

#include "apps/resp/reply_writer.hpp"

namespace troupe::server {

/// Writes exactly one reply, in the client's protocol. Runs on the client's thread.
/// Does not run when the client is gone. May throw std::bad_alloc.
using reply_function = std::function<void(resp::reply_writer&)>;

/// How long a command waits, and its reply after that time.
struct waiting_time {
  using clock = std::chrono::steady_clock;

  std::optional<clock::time_point> end; ///< Empty: until the client is gone.
  reply_function timed_out;             ///< Writes the reply at `end`.
};

class answer_line;

/// The place for the reply of one waiting command. `put`, `time_over`, `interrupt`,
/// `waiting`, `cancel` and `cancelled` are thread-safe. The other functions are for the
/// client's thread. Owned by a shared_ptr.
class answer_slot : public std::enable_shared_from_this<answer_slot> {
public:
  /// `line` is the line of the client's thread; not null.
  answer_slot(std::shared_ptr<answer_line> line, waiting_time most);

  virtual ~answer_slot() = default;

  answer_slot(const answer_slot&) = delete;
  answer_slot& operator=(const answer_slot&) = delete;

  /// Stores the reply and wakes the client's thread. Returns false when there is a
  /// reply already or the client no longer waits; `write` is dropped then. Constant
  /// time.
  bool put(reply_function&& write) noexcept;

  /// Puts the reply for the timeout, and stops `cancelled`. Returns false as `put`
  /// does. Throws std::bad_alloc; nothing has changed then.
  bool time_over();

  /// Puts an error as the reply. Otherwise like `time_over`.
  bool interrupt(std::string_view error);

  /// Whether there is no reply yet and the client still waits.
  [[nodiscard]] bool waiting() const noexcept {
    return state_.load(std::memory_order_acquire) == state::waiting;
  }

  /// Stops on `time_over`, `interrupt` and `cancel`, if they end the wait. `put` does
  /// not stop it.
  [[nodiscard]] std::stop_token cancelled() const noexcept {
    return stop_.get_token();
  }

  /// Whether there is a reply.
  [[nodiscard]] bool answered() const noexcept {
    return state_.load(std::memory_order_acquire) == state::answered;
  }

  /// When to call `time_over`; empty: never.
  [[nodiscard]] std::optional<waiting_time::clock::time_point>
  end() const noexcept {
    return most_.end;
  }

  /// Writes the reply. Precondition: `answered()`.
  void write(resp::reply_writer& to);

  /// Ends the wait without a reply. No effect when there is a reply.
  void cancel() noexcept;

  /// Informs the client that there is a reply. Called on the client's thread, after it
  /// has taken the slot from the line.
  virtual void on_answer() noexcept = 0;

private:
  friend class answer_line;

  enum class state : std::uint8_t { waiting, answering, answered, cancelled };

  const std::shared_ptr<answer_line> line_;
  const waiting_time most_;
  std::atomic<state> state_{state::waiting};
  reply_function reply_;
  std::stop_source stop_;
  std::shared_ptr<answer_slot> next_; ///< Guarded by the mutex of the line.
};

/// The slots of one thread's clients that have their replies and were not taken yet. A
/// queue that is linked through the slots, so that adding takes no memory. Thread-safe.
class answer_line {
public:
  /// `wake` lets the client's thread empty the line (`take`). It is called on any
  /// thread, under a mutex: it must be brief and must not call the line. It returns
  /// false when it could not wake the thread; the next `push` then calls it again.
  explicit answer_line(std::function<bool()> wake);

  /// Closes the line and drops its slots.
  ~answer_line();

  answer_line(const answer_line&) = delete;
  answer_line& operator=(const answer_line&) = delete;

  /// Adds a slot at the end. Wakes the thread, unless it was woken and has not emptied
  /// the line yet.
  void push(std::shared_ptr<answer_slot> x) noexcept;

  /// Removes and returns the oldest slot. Returns null when the line is empty; the next
  /// `push` wakes the thread then.
  [[nodiscard]] std::shared_ptr<answer_slot> take() noexcept;

  /// Drops all slots, also those that are pushed later, and does not call `wake` any
  /// more.
  void close() noexcept;

private:
  std::mutex mutex_;
  std::function<bool()> wake_; ///< Empty: closed.
  bool woken_ = false;
  std::shared_ptr<answer_slot> first_;
  answer_slot* last_ = nullptr;
};

} // namespace troupe::server
