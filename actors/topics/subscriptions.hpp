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

/// The topics that one subscriber has joined. When this ends, the subscriber is
/// closed and has left them all. Belongs to the subscriber's owner; not
/// thread-safe.
class subscriptions {
public:
  using topics = std::map<bytes, std::shared_ptr<topic>, std::less<>>;

  /// `directory` outlives the subscriptions.
  subscriptions(topic_directory& directory, std::shared_ptr<subscriber> who)
    : directory_(directory), who_(std::move(who)) {
    // nop
  }

  subscriptions(const subscriptions&) = delete;
  subscriptions& operator=(const subscriptions&) = delete;

  ~subscriptions();

  /// Tells whether it is a new one. Throws std::bad_alloc and then has changed
  /// nothing.
  bool add(topic_kind kind, bytes_view name);

  /// Tells whether there was one. Nothing comes from the topic afterwards but
  /// what waits already.
  bool remove(topic_kind kind, bytes_view name) noexcept;

  /// Leaves all topics.
  void clear() noexcept;

  [[nodiscard]] const topics& of(topic_kind kind) const noexcept {
    return joined_[static_cast<std::size_t>(kind)];
  }

  [[nodiscard]] bool empty() const noexcept;

  /// About what they take, in bytes, if nobody else has joined these topics.
  [[nodiscard]] std::size_t held_bytes() const noexcept {
    return bytes_;
  }

  /// Never null.
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
