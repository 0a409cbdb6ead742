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
/// begins with its first subscriber and ends with its last one. A message to a channel
/// without a subscriber is lost. In troupe-server, the clients use the same topics.
///
/// A cheap handle, which may outlive the runtime. Thread-safe. Errors of all calls:
/// `shutting_down` after the runtime has begun to drain its services, `out_of_memory`.
///
///   auto heard = runtime.topics().subscribe(
///     "project/7", [](const troupe::delivery& x) { show(x.payload()); });
///   auto reached = runtime.topics().publish("project/7", "saved");
class topics {
public:
  /// For `runtime::topics`.
  topics(std::shared_ptr<topic_hub> hub,
         std::shared_ptr<const typed_service<topics_actor>> service) noexcept
    : hub_(std::move(hub)), service_(std::move(service)) {
    // nop
  }

  /// Sends a message to the subscribers of a channel and of the patterns that match its
  /// name. `payload` is copied once. When this returns, the message is in the queue of
  /// each subscriber that will receive it. Returns the number of deliveries: a
  /// subscriber gets the message once for its channel and once for each of its patterns
  /// that match. A subscriber that was cut off gets none. All subscribers of a topic
  /// receive its messages in the same order. The messages of one publisher arrive in
  /// the order in which it published them.
  ///
  /// Never waits for a subscriber. So any thread may publish, also one that runs a
  /// subscriber's function, and CAF's threads. Complexity: linear in the number of
  /// subscribers and of patterns. Errors: also `invalid_argument` (the channel's name
  /// has more than 64 KiB).
  expected<std::size_t> publish(bytes_view channel, bytes_view payload) const {
    return hub_->publish(channel, payload);
  }

  /// Calls `f` with each message that is published in a channel from now on, until the
  /// returned object ends. Keep that object.
  ///
  /// `f` and `options.on_end` are called on a loader thread, one call at a time and in
  /// order. They may block, use the runtime, publish, subscribe and end their own
  /// subscription. They must not drain or destroy the runtime, or wait for a thread
  /// that ends this subscription. A long call occupies one of the loader threads
  /// (`loader-threads`). Exceptions that they throw are dropped.
  ///
  /// Messages that come during a call wait in a queue of this subscription. When more
  /// wait than `options.limits` allows, the subscription ends, and `on_end` is called
  /// with `overloaded`. Errors: also `invalid_argument` (`f` is empty; the channel's
  /// name has more than 64 KiB).
  expected<subscription> subscribe(bytes_view channel, message_function f,
                                   subscribe_options options = {}) const {
    return hub_->listen(topic_kind::channel, channel, std::move(f),
                        std::move(options));
  }

  /// Subscribes to all channels whose names match a glob-style pattern: "project/*".
  /// Otherwise like `subscribe`. Errors: also `invalid_argument` (`f` is empty; the
  /// pattern has more than 1 KiB).
  expected<subscription>
  subscribe_pattern(bytes_view pattern, message_function f,
                    subscribe_options options = {}) const {
    return hub_->listen(topic_kind::pattern, pattern, std::move(f),
                        std::move(options));
  }

  /// The number of subscribers of a channel: functions, actors and clients of a server.
  /// Subscribers of matching patterns are not counted. A snapshot.
  [[nodiscard]] std::size_t subscribers(bytes_view channel) const {
    return hub_->directory().subscribers(topic_kind::channel, channel);
  }

  /// The number of subscribers of a pattern. A snapshot.
  [[nodiscard]] std::size_t pattern_subscribers(bytes_view pattern) const {
    return hub_->directory().subscribers(topic_kind::pattern, pattern);
  }

  /// The actor through which other actors publish and subscribe, with the messages of
  /// `topics_actor`. An actor that subscribes must handle the messages of
  /// `topic_subscriber_actor`. Its subscriptions end when it dies. The handle is empty
  /// after the runtime has drained.
  [[nodiscard]] topics_actor actor() const {
    return service_->actor();
  }

  /// The hub below, for code that has subscribers (queues) of its own. Never null.
  [[nodiscard]] const std::shared_ptr<topic_hub>& hub() const noexcept {
    return hub_;
  }

private:
  std::shared_ptr<topic_hub> hub_;
  std::shared_ptr<const typed_service<topics_actor>> service_;
};

} // namespace troupe
