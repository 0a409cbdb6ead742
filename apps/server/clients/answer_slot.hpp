#pragma once

// Where the reply of a command that answers later is put.
//
//   command ── ticket ──► answer_slot ◄── deferred command, in the client
//                 put(): any thread │ once
//                                   ▼
//                              answer_line ── wakes, once for many ──► thread of the client
//
// Invariants
//   1. A slot leaves `waiting` once: by the first `put`, or by `cancel`. What loses is
//      dropped.
//   2. The reply is written before the state says `answered`, and read after.
//   3. A line holds a slot at most once: its length is bounded by the clients of the
//      thread.

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

/// Writes exactly one reply. Runs on the thread of the client, in its protocol, unless
/// the client has gone. May throw std::bad_alloc.
using reply_function = std::function<void(resp::reply_writer&)>;

/// How long a command waits, and what it replies then.
struct waiting_time {
  using clock = std::chrono::steady_clock;

  std::optional<clock::time_point> end; ///< None: as long as the client stays.
  reply_function timed_out;
};

class answer_line;

/// One for each command that waits. `put`, `time_over`, `waiting` and `cancelled` are
/// thread-safe; the rest belongs to the thread of the client.
class answer_slot : public std::enable_shared_from_this<answer_slot> {
public:
  /// The line lives as long as the slot, or longer.
  answer_slot(std::shared_ptr<answer_line> line, waiting_time most);

  virtual ~answer_slot() = default;

  answer_slot(const answer_slot&) = delete;
  answer_slot& operator=(const answer_slot&) = delete;

  /// Puts the reply in, and wakes the client's thread. False when there is one already,
  /// or the client has gone: `write` is dropped. Constant time.
  bool put(reply_function&& write) noexcept;

  /// The same with what is replied when the time is over; the command is cancelled. Throws
  /// std::bad_alloc, and has done nothing then.
  bool time_over();

  /// The same with an error.
  bool interrupt(std::string_view error);

  [[nodiscard]] bool waiting() const noexcept {
    return state_.load(std::memory_order_acquire) == state::waiting;
  }

  /// Stops when the client has gone, or no longer waits for another reason than `put`.
  [[nodiscard]] std::stop_token cancelled() const noexcept {
    return stop_.get_token();
  }

  [[nodiscard]] bool answered() const noexcept {
    return state_.load(std::memory_order_acquire) == state::answered;
  }

  /// When `time_over` is due.
  [[nodiscard]] std::optional<waiting_time::clock::time_point>
  end() const noexcept {
    return most_.end;
  }

  /// Writes the reply, once it is there.
  void write(resp::reply_writer& to);

  /// The client waits no more.
  void cancel() noexcept;

  /// There is a reply. Called by the client's thread when it takes the slot from the
  /// line.
  virtual void on_answer() noexcept = 0;

private:
  friend class answer_line;

  enum class state : std::uint8_t { waiting, answering, answered, cancelled };

  const std::shared_ptr<answer_line> line_;
  const waiting_time most_;
  std::atomic<state> state_{state::waiting};
  reply_function reply_;
  std::stop_source stop_;
  std::shared_ptr<answer_slot> next_; ///< Under the mutex of the line.
};

/// The slots of one thread's clients that have got their replies. Thread-safe.
class answer_line {
public:
  /// `wake` has the thread empty the line (`take`); any thread calls it, under a mutex.
  /// False: it could not, and the next slot tries again.
  explicit answer_line(std::function<bool()> wake);

  /// Empty by then, or closed.
  ~answer_line();

  answer_line(const answer_line&) = delete;
  answer_line& operator=(const answer_line&) = delete;

  void push(std::shared_ptr<answer_slot> x) noexcept;

  /// The slot that came first; null: there is none, and the next one wakes.
  [[nodiscard]] std::shared_ptr<answer_slot> take() noexcept;

  /// From now on, slots are dropped and `wake` is not called.
  void close() noexcept;

private:
  std::mutex mutex_;
  std::function<bool()> wake_; ///< Empty: closed.
  bool woken_ = false;
  std::shared_ptr<answer_slot> first_;
  answer_slot* last_ = nullptr;
};

} // namespace troupe::server
