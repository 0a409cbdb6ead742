#pragma once

// A subscriber whose messages go to a function of the program.
//
//   publisher ──► queue of the subscriber ──► wake: posts a job, once
//                                               │
//                        worker thread: takes ──┴──► message function, end function
//
// Invariants
//   1. One thread at a time calls the functions of a listener, in the order of its
//      queue.
//   2. The end function is called once at most, and no function after it.
//   3. After `stop` no call begins or is under way, unless `stop` is called by one.
// Threading: plain C++, thread-safe.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <troupe/actors/topics/subscriber.hpp>
#include <troupe/actors/topics/topic.hpp>
#include <troupe/backends/core/worker_pool.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

class topic_listener;

/// What a listener needs of the topics it has joined one of. Thread-safe.
class listener_home {
public:
  virtual ~listener_home() = default;

  /// The listener hears nothing more of a topic.
  virtual void leave(topic& where, const topic_listener& x) noexcept = 0;

  /// The listener has ended.
  virtual void forget(const topic_listener& x) noexcept = 0;

  /// A listener's job was not posted, and has to be posted later (`retry`).
  virtual void note_missed() noexcept = 0;
};

/// Is called with each message of a subscription. See `topics::subscribe`.
using message_function = std::function<void(const delivery&)>;

/// What a subscription may choose.
struct subscribe_options {
  /// What may wait for the message function at a time.
  subscriber_limits limits = {};

  /// Is called once when the runtime ends the subscription: `overloaded` (more waited
  /// than the limits allow; what waited is lost), `shutting_down` (the runtime drains;
  /// what waited has been delivered), `out_of_memory`.
  std::function<void(const error& why)> on_end = {};
};

class topic_listener final
  : public subscriber,
    public std::enable_shared_from_this<topic_listener> {
public:
  /// `text` stands for it in reports.
  topic_listener(std::string text, std::shared_ptr<listener_home> home,
                 std::shared_ptr<worker_pool> workers, message_function f,
                 subscribe_options options);

  /// The topic that it has joined. Leaves it when the listener has ended already.
  void joined(std::shared_ptr<topic> where) noexcept;

  /// Leaves the topic, and waits for a call that is under way. When this returns, the
  /// functions are destroyed, unless one of them calls this.
  void stop() noexcept;

  [[nodiscard]] bool active() const noexcept {
    return !over_.load(std::memory_order_acquire);
  }

  // -- for the hub ---------------------------------------------------------------

  /// Posts a job again that the worker threads had no room for.
  void retry() noexcept;

  /// Ends it when all that waits has been delivered.
  void begin_end(error why) noexcept;

  /// Waits for that until `deadline`, when the listener ends at once. Whether it had
  /// ended by itself.
  [[nodiscard]] bool
  await_end(std::chrono::steady_clock::time_point deadline) noexcept;

  [[nodiscard]] const std::string& text() const noexcept {
    return text_;
  }

protected:
  bool wake() noexcept override;

private:
  struct functions {
    message_function on_message;
    std::function<void(const error&)> on_end;
  };

  [[nodiscard]] bool post() noexcept;
  void deliver() noexcept;
  void tell(const functions& whom) noexcept;
  void finish(const functions& whom, const error& why) noexcept;
  std::shared_ptr<const functions> give_up() noexcept;
  [[nodiscard]] error limit_error() const;

  const std::string text_;
  const std::shared_ptr<listener_home> home_;
  const std::shared_ptr<worker_pool> workers_;
  const subscriber_limits most_;
  std::atomic<bool> over_{false}; ///< `functions_` is null, or soon will be.

  std::mutex turn_;
  std::condition_variable silent_; ///< `caller_` or `functions_` has changed.
  // Under `turn_`, all that follows.
  std::shared_ptr<const functions> functions_; ///< Null: it has ended.
  std::shared_ptr<topic> joined_;
  std::optional<error> ending_;
  bool again_ = false;      ///< There is something to look at.
  bool delivering_ = false; ///< A job is posted and has not ended.
  std::thread::id caller_;  ///< The thread that calls functions.
};

/// Keeps a subscription; its end unsubscribes. See `topics::subscribe`.
class [[nodiscard]] subscription {
public:
  /// Of nothing.
  subscription() noexcept = default;

  explicit subscription(std::shared_ptr<topic_listener> x) noexcept
    : listener_(std::move(x)) {
    // nop
  }

  subscription(subscription&& other) noexcept = default;

  subscription& operator=(subscription&& other) noexcept {
    if (this != &other) {
      end();
      listener_ = std::move(other.listener_);
    }
    return *this;
  }

  ~subscription() {
    end();
  }

  /// Unsubscribes. When this returns, no call of the functions begins or is under way,
  /// and they are destroyed; so it waits for a call that is under way, unless that
  /// call makes it. Does nothing the second time.
  void end() noexcept {
    if (auto x = std::exchange(listener_, nullptr))
      x->stop();
  }

  /// Whether messages still come: not after `end`, nor after the runtime has ended
  /// the subscription.
  [[nodiscard]] bool active() const noexcept {
    return listener_ != nullptr && listener_->active();
  }

private:
  std::shared_ptr<topic_listener> listener_;
};

} // namespace troupe
