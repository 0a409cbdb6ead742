#pragma once

// Messages of topics, and the subscribers that receive them.
//
// A subscriber is a bounded queue: topics put messages in, on the publishers' threads;
// its owner takes them out, on one thread. No thread waits for another: a subscriber
// that falls behind by more than its limits is cut. It loses the waiting messages; a
// publisher loses nothing.
//
// Invariants
//   1. The waiting messages never exceed the hard limits. They exceed the soft limit
//      for at most its time; this is checked when a message is put in.
//   2. `wake` is called when a message came and the owner was not yet informed that
//      messages wait: once for a burst, until the owner has taken everything.
//   3. A subscriber that was cut or closed receives nothing more.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe {

/// What a topic's name means.
enum class topic_kind : std::uint8_t {
  channel, ///< Receives messages published under its name.
  pattern, ///< Receives messages of channels that its name matches.
  sharded, ///< Like `channel`, in a separate name space without patterns.
};

inline constexpr std::size_t topic_kinds = 3;

struct topic_name {
  topic_kind kind;
  bytes text;
};

/// One message, shared by all its receivers.
struct publication {
  bytes channel;
  bytes payload;
};

/// One message on its way to one subscriber.
struct delivery {
  std::shared_ptr<const publication> what;
  std::shared_ptr<const topic_name> by; ///< The topic that received it.

  [[nodiscard]] const auto& channel() const noexcept {
    return what->channel;
  }

  [[nodiscard]] const auto& payload() const noexcept {
    return what->payload;
  }

  /// Its size in a queue, in bytes: channel, payload and topic name.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return what->channel.size() + what->payload.size() + by->text.size();
  }
};

/// The limits of the messages that wait for a subscriber.
struct subscriber_limits {
  /// Bytes: channel, payload and topic name of each message. The default is Redis's
  /// hard limit for subscribers.
  std::size_t bytes = 32UL * 1024 * 1024;

  /// Number of messages. Bounds the memory of short messages: each takes 32 bytes more
  /// than `bytes` counts.
  std::size_t messages = 1024UL * 1024;

  /// The soft limit in bytes: a subscriber may exceed it for up to `soft_time` without
  /// interruption. 0: no soft limit. The defaults are Redis's.
  std::size_t soft_bytes = 8UL * 1024 * 1024;
  std::chrono::seconds soft_time{60};
};

/// Limits that may change while subscribers read them. Thread-safe.
class live_subscriber_limits {
public:
  explicit live_subscriber_limits(subscriber_limits x = {}) noexcept {
    set(x);
  }

  void set(subscriber_limits x) noexcept {
    bytes_ = x.bytes;
    messages_ = x.messages;
    soft_bytes_ = x.soft_bytes;
    soft_time_ = x.soft_time;
  }

  [[nodiscard]] subscriber_limits get() const noexcept {
    return {bytes_, messages_, soft_bytes_, soft_time_};
  }

private:
  std::atomic<std::size_t> bytes_;
  std::atomic<std::size_t> messages_;
  std::atomic<std::size_t> soft_bytes_;
  std::atomic<std::chrono::seconds> soft_time_;
};

/// The limit that a cut subscriber exceeded.
enum class cut_reason : std::uint8_t {
  none,
  hard, ///< Bytes or messages; also: there was no memory for a message.
  soft, ///< The soft limit, for longer than `soft_time`.
};

enum class subscriber_state : std::uint8_t {
  open,
  cut,    ///< More came than the limits allow.
  closed, ///< Its owner has left.
};

/// The queue of one subscriber. Topics call `deliver` from any thread; the functions
/// for the owner are also thread-safe, but `take` is for one thread.
class subscriber {
public:
  /// A subscriber with limits of its own. `time` must outlive it.
  explicit subscriber(subscriber_limits limits,
                      const clock& time = clock::steady())
    : own_(limits), limits_(own_), time_(time) {
    // nop
  }

  /// A subscriber that shares its limits with others. The limits and `time` must
  /// outlive it.
  explicit subscriber(const live_subscriber_limits& limits,
                      const clock& time = clock::steady())
    : limits_(limits), time_(time) {
    // nop
  }

  subscriber(const subscriber&) = delete;
  subscriber& operator=(const subscriber&) = delete;

  virtual ~subscriber() = default;

  // -- for topics: from any thread -----------------------------------------------

  /// Puts a message in, or cuts the subscriber. Returns whether the subscriber will
  /// receive it.
  bool deliver(delivery x) noexcept;

  // -- for the owner -------------------------------------------------------------

  /// Appends the waiting messages to `out`, oldest first, until none is left or they
  /// make up `enough` bytes. Returns whether messages are left; the owner then takes
  /// them without a further `wake`. A subscriber that was cut returns none. Throws
  /// std::bad_alloc.
  bool take(std::size_t enough, std::vector<delivery>& out);

  /// Drops the waiting messages. The subscriber receives nothing more.
  void close() noexcept;

  [[nodiscard]] subscriber_state state() const noexcept;

  /// The limit that was exceeded; `none` unless the subscriber was cut.
  [[nodiscard]] cut_reason why_cut() const noexcept;

protected:
  /// Informs the owner that a message came or that the subscriber was cut. Called
  /// inside a topic's turn: must be brief and must not publish. Returns false when the
  /// owner cannot be informed; the next message then tries again.
  virtual bool wake() noexcept = 0;

private:
  bool put(delivery& x) noexcept;

  cut_reason look_at_limits(std::size_t more) noexcept;

  const live_subscriber_limits own_;
  const live_subscriber_limits& limits_;
  const clock& time_;
  mutable std::mutex mutex_;
  subscriber_state state_ = subscriber_state::open;
  bool woken_ = false;  ///< The owner knows that messages wait.
  bool warned_ = false; ///< The owner knows that it was cut.
  std::size_t bytes_ = 0;
  cut_reason why_cut_ = cut_reason::none;
  /// Since when the soft limit is exceeded; `never`: it is not exceeded.
  time_point over_soft_since_ = never;
  std::deque<delivery> waiting_;
};

} // namespace troupe
