#pragma once

// The actors that have subscribed to topics, with their queues. The topics' actor
// (topics_actor.hpp) works on them, and they survive its restarts.
//
//   publisher ──► actor_queue ──► wake ──► actor_book ──► the present topics' actor
//                     ▲                                        │ pump, in its turn
//                     └──────────────── takes ─────────────────┘

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <caf/actor_control_block.hpp>

#include <troupe/actors/topics/subscriber.hpp>
#include <troupe/actors/topics/subscriptions.hpp>
#include <troupe/actors/topics/topic_hub.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// Identifies an actor: its node (empty: this process) and its number there.
using actor_key = std::pair<std::string, std::uint64_t>;

class actor_book;

/// The messages that wait for an actor.
class actor_queue final : public subscriber {
public:
  actor_queue(actor_key key, std::weak_ptr<actor_book> book);

protected:
  bool wake() noexcept override;

private:
  const actor_key key_;
  const std::weak_ptr<actor_book> book_;
};

/// An actor that has subscribed. Used only in turns of the topics' actor.
struct subscribed_actor {
  subscribed_actor(topic_directory& topics, caf::strong_actor_ptr handle,
                   actor_key number, std::weak_ptr<actor_book> book);

  const caf::strong_actor_ptr who;
  const actor_key key;
  const std::shared_ptr<actor_queue> queue;
  subscriptions joined; ///< Its destructor leaves all topics.
  bool busy = false;    ///< The last message of a batch has not been answered.
};

using subscribed_ptr = std::shared_ptr<subscribed_actor>;

/// All actors that have subscribed. Outlives the topics' actor. Thread-safe. No
/// subscription begins or ends under its mutex, because beginning or ending one may run
/// a publisher's turn, which wakes subscribers.
class actor_book : public std::enable_shared_from_this<actor_book> {
public:
  explicit actor_book(std::shared_ptr<topic_hub> hub);

  /// Functions of the present topics' actor. Each posts its work to that actor, which
  /// does it in a turn of its own.
  struct tasks {
    std::function<void(const actor_key&)> pump; ///< Serves one subscriber.
    std::function<void()> finish;               ///< Ends all subscribers.
  };

  /// Sets the present topics' actor.
  void attach(tasks x);

  /// The entry of this actor, which is added if there is none. Errors: `shutting_down`
  /// (after `close`), `overloaded` (65,536 actors have subscribed). Throws
  /// std::bad_alloc.
  expected<subscribed_ptr> get_or_add(const actor_key& key,
                                      const caf::strong_actor_ptr& who);

  /// The entry of this actor; null when it has not subscribed.
  [[nodiscard]] subscribed_ptr find(const actor_key& key) const;

  [[nodiscard]] std::vector<subscribed_ptr> list() const;

  /// Removes an actor and returns its entry, or null when it has not subscribed. Its
  /// subscriptions end when the last copy of the result ends.
  subscribed_ptr extract(const actor_key& key);

  [[nodiscard]] std::size_t size() const;

  [[nodiscard]] bool closing() const;

  /// Lets the present topics' actor serve a subscriber. False when there is no such
  /// actor or no memory for the message.
  bool wake(const actor_key& key) noexcept;

  /// Refuses new subscribers, and lets the present topics' actor end all of them.
  void close();

  /// Waits until no subscriber is left, or until `deadline`. Returns the number that is
  /// left.
  [[nodiscard]] std::size_t
  await_empty(std::chrono::steady_clock::time_point deadline);

  /// Ends all subscriptions and releases all handles of actors.
  void clear();

private:
  [[nodiscard]] std::shared_ptr<const tasks> present() const;

  const std::shared_ptr<topic_hub> hub_;
  mutable std::mutex mutex_; ///< Guards the members below.
  std::condition_variable empty_;
  std::map<actor_key, subscribed_ptr> all_;
  std::shared_ptr<const tasks> present_;
  bool closing_ = false;
};

} // namespace troupe
