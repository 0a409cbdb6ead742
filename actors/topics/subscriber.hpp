#pragma once

// What is said in topics, and those who hear it.
//
// A subscriber is a bounded queue: topics put messages in, on the threads of
// those who publish; its owner takes them out, on one thread. Nobody waits for
// anybody: a subscriber that falls behind by more than its limits is cut, which
// costs it what waited and costs a publisher nothing.
//
// Invariants
//   1. What waits never exceeds the hard limits. More than the soft limit waits
//      for at most its time, as seen by those who put a message in.
//   2. `wake` is called when something came and the owner did not know of any:
//      once for a burst, until the owner has taken everything.
//   3. A subscriber that was cut or closed hears nothing more.

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

enum class topic_kind : std::uint8_t {
  channel, ///< Hears what is published under its name.
  pattern, ///< Hears what is published in channels that its name matches.
  sharded, ///< As `channel`, in a name space of its own, without patterns.
};

inline constexpr std::size_t topic_kinds = 3;

struct topic_name {
  topic_kind kind;
  bytes text;
};

/// One message, shared by all who hear it.
struct publication {
  bytes channel;
  bytes payload;
};

/// One message on its way to one subscriber.
struct delivery {
  std::shared_ptr<const publication> what;
  std::shared_ptr<const topic_name> by; ///< The topic that heard it.

  [[nodiscard]] const auto& channel() const noexcept {
    return what->channel;
  }

  [[nodiscard]] const auto& payload() const noexcept {
    return what->payload;
  }

  /// What it counts for in a queue: all it has to say.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return what->channel.size() + what->payload.size() + by->text.size();
  }
};

/// What may wait for a subscriber at a time.
struct subscriber_limits {
  /// Bytes; the same as Redis's hard limit for its subscribers.
  std::size_t bytes = 32UL * 1024 * 1024;

  /// Messages: bounds what empty ones cost (32 bytes each, beyond their own).
  std::size_t messages = 1024UL * 1024;

  /// Bytes that may wait for less than `soft_time` without a break; zero: no
  /// such limit. Also as Redis.
  std::size_t soft_bytes = 8UL * 1024 * 1024;
  std::chrono::seconds soft_time{60};
};

/// Limits that somebody changes while subscribers look at them. Thread-safe.
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

/// Which limit has cut a subscriber.
enum class cut_reason : std::uint8_t {
  none,
  hard, ///< Bytes or messages, at once.
  soft, ///< Bytes, for too long.
};

enum class subscriber_state : std::uint8_t {
  open,
  cut,    ///< More came than the limits allow.
  closed, ///< Its owner has left.
};

class subscriber {
public:
  /// With limits of its own.
  explicit subscriber(subscriber_limits limits,
                      const clock& time = clock::steady())
    : own_(limits), limits_(own_), time_(time) {
    // nop
  }

  /// With limits that it shares; they and `time` outlive the subscriber.
  explicit subscriber(const live_subscriber_limits& limits,
                      const clock& time = clock::steady())
    : limits_(limits), time_(time) {
    // nop
  }

  subscriber(const subscriber&) = delete;
  subscriber& operator=(const subscriber&) = delete;

  virtual ~subscriber() = default;

  // -- for topics: from any thread -----------------------------------------------

  /// Puts a message in, or cuts the subscriber. Tells whether it will hear it.
  bool deliver(delivery x) noexcept;

  // -- for the owner -------------------------------------------------------------

  /// Appends what has come to `out`, oldest first, until nothing is left or the
  /// messages make up `enough` bytes. Tells whether something is left, which
  /// the owner then takes without being woken. Nothing comes out of one that
  /// was cut. Throws std::bad_alloc.
  bool take(std::size_t enough, std::vector<delivery>& out);

  /// Hears nothing more, and forgets what waits.
  void close() noexcept;

  [[nodiscard]] subscriber_state state() const noexcept;

  [[nodiscard]] cut_reason why_cut() const noexcept;

protected:
  /// Something came, or the subscriber was cut. Called inside a topic's turn:
  /// to be brief and to publish nothing. False when the owner cannot be told;
  /// the next message tries again.
  virtual bool wake() noexcept = 0;

private:
  bool put(delivery& x) noexcept;

  cut_reason look_at_limits(std::size_t more) noexcept;

  const live_subscriber_limits own_;
  const live_subscriber_limits& limits_;
  const clock& time_;
  mutable std::mutex mutex_;
  subscriber_state state_ = subscriber_state::open;
  bool woken_ = false;  ///< The owner knows that something waits.
  bool warned_ = false; ///< The owner knows that it was cut.
  std::size_t bytes_ = 0;
  cut_reason why_cut_ = cut_reason::none;
  /// Since when more than the soft limit waits; `never`: it does not.
  time_point over_soft_since_ = never;
  std::deque<delivery> waiting_;
};

} // namespace troupe
