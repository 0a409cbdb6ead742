#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include <troupe/actors/topics/subscriber.hpp>
#include <troupe/actors/topics/topic_directory.hpp>

namespace troupe {

/// The topics that one subscriber has joined. The destructor closes the subscriber and
/// leaves all of them. For the subscriber's owner. Not thread-safe.
class subscriptions {
public:
  using topics = std::map<bytes, std::shared_ptr<topic>, std::less<>>;

  /// `directory` must outlive the subscriptions.
  subscriptions(topic_directory& directory, std::shared_ptr<subscriber> who)
    : directory_(directory), who_(std::move(who)) {
    // nop
  }

  subscriptions(const subscriptions&) = delete;
  subscriptions& operator=(const subscriptions&) = delete;

  ~subscriptions();

  /// Joins a topic. Returns false when the subscriber has joined it before. Throws
  /// std::bad_alloc; nothing has changed then.
  bool add(topic_kind kind, bytes_view name);

  /// Leaves a topic. Returns false when the subscriber had not joined it. Afterwards no
  /// new message of the topic comes. Waiting messages stay in the queue.
  bool remove(topic_kind kind, bytes_view name) noexcept;

  /// Leaves all topics.
  void clear() noexcept;

  /// The joined topics of a kind, by name.
  [[nodiscard]] const topics& of(topic_kind kind) const noexcept {
    return joined_[static_cast<std::size_t>(kind)];
  }

  [[nodiscard]] bool empty() const noexcept;

  /// The approximate memory of the subscriptions, in bytes, as if no other subscriber
  /// had joined these topics.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return bytes_;
  }

  /// The subscriber. Never null.
  [[nodiscard]] const std::shared_ptr<subscriber>& who() const noexcept {
    return who_;
  }

private:
  [[nodiscard]] static std::size_t cost(bytes_view name) noexcept;

  topic_directory& directory_;
  std::shared_ptr<subscriber> who_;
  std::array<topics, topic_kinds> joined_;
  std::size_t bytes_ = 0;
};

} // namespace troupe
