#pragma once

// A topic: the subscribers of the messages published under a name. It begins with its
// first subscriber and ends with its last one.
//
// Accepts: `add`, `remove`, `publish`. Each passes the topic's mailbox and is complete
//   when it returns.
// Invariants
//   1. The subscribers are used only in turns of the mailbox.
//   2. A topic whose last subscriber has left is ended and stays ended. A subscriber
//      that comes too late is refused and joins another topic (topic_directory.hpp).
//   3. All subscribers receive the messages in the order of the turns. So the messages
//      of one publisher come in the order in which it published them.
//   4. After `remove` returned, the topic delivers nothing to that subscriber.
// Threading: plain C++. Every caller waits for its own turn, so the mailbox needs no
//   executor. A turn waits only for the mutexes of queues; a thread that holds shards
//   may publish.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include <troupe/actors/topics/subscriber.hpp>
#include <troupe/backends/core/lane.hpp>

namespace troupe {

/// The subscribers of one name. Thread-safe.
class topic {
public:
  enum class join_result : std::uint8_t { joined, present, ended };

  topic(topic_kind kind, bytes_view name);

  topic(const topic&) = delete;
  topic& operator=(const topic&) = delete;

  [[nodiscard]] const topic_name& name() const noexcept {
    return *name_;
  }

  /// Adds a subscriber. Throws std::bad_alloc; the topic has then ended if it has no
  /// other subscriber.
  join_result add(const std::shared_ptr<subscriber>& who);

  /// Removes a subscriber; returns whether the topic has now ended.
  bool remove(const subscriber& who) noexcept;

  /// Returns how many subscribers will receive the message.
  std::size_t publish(const std::shared_ptr<const publication>& what) noexcept;

  /// A snapshot.
  [[nodiscard]] std::size_t subscribers() const noexcept {
    return size_.load(std::memory_order_acquire);
  }

  /// Messages published so far, with or without receivers. A snapshot.
  [[nodiscard]] std::uint64_t published() const noexcept {
    return published_.load(std::memory_order_relaxed);
  }

private:
  template <class F>
  void in_turn(F f) noexcept;

  bool insert(const std::shared_ptr<subscriber>& who);
  void erase(const subscriber& who) noexcept;

  std::shared_ptr<const topic_name> name_;
  bool ended_ = false;
  std::vector<std::shared_ptr<subscriber>> subscribers_;
  std::unordered_map<const subscriber*, std::size_t> places_;
  std::atomic<std::size_t> size_{0};
  std::atomic<std::uint64_t> published_{0};
  lane mailbox_;
};

} // namespace troupe
