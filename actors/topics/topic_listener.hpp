#pragma once

// A subscriber that passes its messages to a function of the program.
//
//   publisher ──► queue of the subscriber ──► wake: posts a job, once
//                                               │
//                        worker thread: takes ──┴──► message function, end function
//
// Invariants
//   1. One thread at a time calls the functions of a listener. Messages are passed in
//      the order of the queue.
//   2. The end function is called at most once. No function is called after it.
//   3. After `stop` has returned, no call begins or runs, except the call that called
//      `stop`.
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

/// What a listener needs of the hub whose topic it has joined. Thread-safe.
class listener_home {
public:
  virtual ~listener_home() = default;

  /// Ends the listener's subscription to a topic.
  virtual void leave(topic& where, const topic_listener& x) noexcept = 0;

  /// Called when the listener has ended. May be called more than once.
  virtual void forget(const topic_listener& x) noexcept = 0;

  /// Called when the worker threads had no room for the listener's job. The home calls
  /// `retry` later.
  virtual void note_missed() noexcept = 0;
};

/// Called with each message of a subscription. See `topics::subscribe`.
using message_function = std::function<void(const delivery&)>;

/// Options of a subscription.
struct subscribe_options {
  /// The limits of the messages that wait for the message function.
  subscriber_limits limits = {};

  /// Called once when the runtime ends the subscription, with one of these errors:
  /// `overloaded` (more messages waited than the limits allow; the waiting ones are
  /// lost), `shutting_down` (the runtime drains; the waiting messages have been
  /// delivered), `out_of_memory`. Not called when the owner ends the subscription.
  std::function<void(const error& why)> on_end = {};
};

/// Thread-safe. Owned by a shared_ptr.
class topic_listener final
  : public subscriber,
    public std::enable_shared_from_this<topic_listener> {
public:
  /// `text` names the listener in reports.
  topic_listener(std::string text, std::shared_ptr<listener_home> home,
                 std::shared_ptr<worker_pool> workers, message_function f,
                 subscribe_options options);

  /// Sets the topic that the listener has joined. Leaves the topic at once when the
  /// listener has already ended.
  void joined(std::shared_ptr<topic> where) noexcept;

  /// Leaves the topic and waits for a running call of the functions. When this returns,
  /// the functions are destroyed. When one of the functions calls this, it does not
  /// wait, and the functions are destroyed after that call.
  void stop() noexcept;

  /// False once the listener has ended.
  [[nodiscard]] bool active() const noexcept {
    return !over_.load(std::memory_order_acquire);
  }

  // -- for the hub ---------------------------------------------------------------

  /// Posts the listener's job again if the worker threads had no room for it.
  void retry() noexcept;

  /// Ends the listener, with the error `why`, after the waiting messages have been
  /// delivered. Does not wait.
  void begin_end(error why) noexcept;

  /// Waits until the listener has ended and none of its functions runs. At `deadline`
  /// the listener is ended at once. Returns whether it had ended before that.
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
  // `turn_` guards all members below.
  std::shared_ptr<const functions> functions_; ///< Null after the end.
  std::shared_ptr<topic> joined_;
  std::optional<error> ending_;
  bool again_ = false;      ///< A wake-up has not been served yet.
  bool delivering_ = false; ///< A job is posted and has not ended.
  std::thread::id caller_;  ///< The thread that calls functions, if any.
};

/// Owns a subscription. The destructor unsubscribes, as `end` does. May outlive the
/// runtime. Not thread-safe. See `topics::subscribe`.
class [[nodiscard]] subscription {
public:
  /// Owns no subscription.
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

  /// Unsubscribes, and waits for a running call of the functions. When this returns, no
  /// call begins or runs, and the functions are destroyed. When one of the functions
  /// calls this, it does not wait, and they are destroyed after that call. Does nothing
  /// the second time.
  void end() noexcept {
    if (auto x = std::exchange(listener_, nullptr))
      x->stop();
  }

  /// Whether messages still come. False after `end`, and after the runtime has ended
  /// the subscription.
  [[nodiscard]] bool active() const noexcept {
    return listener_ != nullptr && listener_->active();
  }

private:
  std::shared_ptr<topic_listener> listener_;
};

} // namespace troupe
