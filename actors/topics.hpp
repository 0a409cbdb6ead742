#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <troupe/actors/services/service.hpp>
#include <troupe/actors/topics/topic_hub.hpp>
#include <troupe/messages/interfaces.hpp>
#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

namespace troupe {

/// The topics of a runtime: publishing and subscribing within the process. A topic
/// begins with its first subscriber and ends with its last. What is published in a
/// channel without a subscriber is lost. In troupe-server, these are the topics of its
/// clients, too.
///
/// A cheap handle, which may outlive the runtime. Thread-safe. Errors of all calls:
/// `shutting_down` after the runtime has begun to drain its services, `out_of_memory`.
///
///   auto heard = runtime.topics().subscribe(
///     "project/7", [](const troupe::delivery& x) { show(x.payload()); });
///   auto reached = runtime.topics().publish("project/7", "saved");
class topics {
public:
  /// `runtime::topics` makes them.
  topics(std::shared_ptr<topic_hub> hub,
         std::shared_ptr<const typed_service<topics_actor>> service) noexcept
    : hub_(std::move(hub)), service_(std::move(service)) {
    // nop
  }

  /// Sends `payload`, which is copied once, to the subscribers of a channel and of the
  /// patterns that match its name. Returns how many those are; it has been delivered to
  /// the queues of all when this returns. All subscribers of a topic hear its messages
  /// in one order, which is that of each publisher.
  /// Never waits for a subscriber, so any thread may publish, that of a subscriber's
  /// function and one of CAF's included. Complexity: linear in the subscribers and in
  /// the number of patterns. Errors: also `invalid_argument` (the channel's name has
  /// more than 64 KiB).
  expected<std::size_t> publish(bytes_view channel, bytes_view payload) const {
    return hub_->publish(channel, payload);
  }

  /// Has `f` called with each message that is published in a channel from now on,
  /// until the result ends. Keep the result.
  ///
  /// `f` and `on_end` are called on a loader thread, one call at a time and in order.
  /// They may block, may use the runtime, publish, subscribe and end their
  /// own subscription, but may not drain or destroy the runtime, nor wait for a thread
  /// that ends this subscription. One that takes long holds one of the loader threads
  /// (`loader-threads`). What they throw is dropped.
  ///
  /// What comes meanwhile waits in a queue of this subscription. When more waits than
  /// its limits allow, the subscription ends, and `on_end` is called with `overloaded`.
  /// Errors: also `invalid_argument` (`f` is empty; the channel's name has more than
  /// 64 KiB).
  expected<subscription> subscribe(bytes_view channel, message_function f,
                                   subscribe_options options = {}) const {
    return hub_->listen(topic_kind::channel, channel, std::move(f),
                        std::move(options));
  }

  /// The same for all channels whose names match a glob-style pattern, of 1 KiB at
  /// most: "project/*".
  expected<subscription>
  subscribe_pattern(bytes_view pattern, message_function f,
                    subscribe_options options = {}) const {
    return hub_->listen(topic_kind::pattern, pattern, std::move(f),
                        std::move(options));
  }

  /// Subscribers of a channel, of all kinds. Subscribers of patterns that match it are
  /// not counted. A snapshot.
  [[nodiscard]] std::size_t subscribers(bytes_view channel) const {
    return hub_->directory().subscribers(topic_kind::channel, channel);
  }

  /// Subscribers of a pattern. A snapshot.
  [[nodiscard]] std::size_t pattern_subscribers(bytes_view pattern) const {
    return hub_->directory().subscribers(topic_kind::pattern, pattern);
  }

  /// The actor that takes `publish_request`, `subscribe_request` and the others of
  /// `topics_actor`, for actors. An actor that subscribes must handle the messages of
  /// `topic_subscriber_actor`; its subscriptions end when it dies. Empty after the
  /// runtime has drained.
  [[nodiscard]] topics_actor actor() const {
    return service_->actor();
  }

  /// The same topics for owners of queues of their own.
  [[nodiscard]] const std::shared_ptr<topic_hub>& hub() const noexcept {
    return hub_;
  }

private:
  std::shared_ptr<topic_hub> hub_;
  std::shared_ptr<const typed_service<topics_actor>> service_;
};

} // namespace troupe
