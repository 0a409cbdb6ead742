#pragma once

// The actors that have subscribed to topics, with their queues: what the topics' actor
// (topics_actor.hpp) works on, and what a restart of it keeps.
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

/// An actor: its node (empty for the own one) and its number there.
using actor_key = std::pair<std::string, std::uint64_t>;

class actor_book;

/// What waits for an actor.
class actor_queue final : public subscriber {
public:
  actor_queue(actor_key key, std::weak_ptr<actor_book> book);

protected:
  bool wake() noexcept override;

private:
  const actor_key key_;
  const std::weak_ptr<actor_book> book_;
};

/// An actor that has subscribed. Used in turns of the topics' actor.
struct subscribed_actor {
  subscribed_actor(topic_directory& topics, caf::strong_actor_ptr handle,
                   actor_key number, std::weak_ptr<actor_book> book);

  const caf::strong_actor_ptr who;
  const actor_key key;
  const std::shared_ptr<actor_queue> queue;
  subscriptions joined; ///< Leaves all topics with this.
  bool busy = false;    ///< The last message of a batch has not been answered.
};

using subscribed_ptr = std::shared_ptr<subscribed_actor>;

/// All of them. Outlives the topics' actor; thread-safe. No subscription begins or ends
/// under its mutex: that may run a publisher, which wakes another subscriber.
class actor_book : public std::enable_shared_from_this<actor_book> {
public:
  explicit actor_book(std::shared_ptr<topic_hub> hub);

  /// What the present topics' actor does in a turn of its own.
  struct tasks {
    std::function<void(const actor_key&)> pump; ///< Looks at one subscriber.
    std::function<void()> finish;               ///< Ends all.
  };

  void attach(tasks x);

  /// Errors: `shutting_down`, `overloaded` (65,536 actors have subscribed).
  expected<subscribed_ptr> get_or_add(const actor_key& key,
                                      const caf::strong_actor_ptr& who);

  /// Null: it has not subscribed.
  [[nodiscard]] subscribed_ptr find(const actor_key& key) const;

  [[nodiscard]] std::vector<subscribed_ptr> list() const;

  /// Removes it; its subscriptions end with the result, which may be null.
  subscribed_ptr extract(const actor_key& key);

  [[nodiscard]] std::size_t size() const;

  [[nodiscard]] bool closing() const;

  /// Has the present topics' actor look at a subscriber. Whether that could be said.
  bool wake(const actor_key& key) noexcept;

  /// Takes no subscriber any more, and has the present topics' actor end all.
  void close();

  /// Waits until there is none; how many are left at the deadline.
  [[nodiscard]] std::size_t
  await_empty(std::chrono::steady_clock::time_point deadline);

  /// Ends all subscriptions, and lets go of all actors.
  void clear();

private:
  [[nodiscard]] std::shared_ptr<const tasks> present() const;

  const std::shared_ptr<topic_hub> hub_;
  mutable std::mutex mutex_; ///< Guards what follows.
  std::condition_variable empty_;
  std::map<actor_key, subscribed_ptr> all_;
  std::shared_ptr<const tasks> present_;
  bool closing_ = false;
};

} // namespace troupe
