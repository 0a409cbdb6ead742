#pragma once

// The requests to the topics' actor, and the messages to actors that have subscribed.
// An actor subscribes itself: the sender of a `subscribe_request` is the subscriber.

#include <cstdint>
#include <string>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe {

/// Publishes a message. The answer is the number of deliveries.
struct publish_request {
  bytes channel;
  bytes payload;
};

fields<&publish_request::channel, &publish_request::payload>
fields_of(const publish_request&);

/// Subscribes the sender. The answer is false when it had subscribed before.
struct subscribe_request {
  bytes topic;          ///< The name of a channel, or a pattern.
  bool pattern = false; ///< Whether `topic` is a glob-style pattern.
};

fields<&subscribe_request::topic, &subscribe_request::pattern>
fields_of(const subscribe_request&);

/// Unsubscribes the sender. The answer is false when it had not subscribed.
struct unsubscribe_request {
  bytes topic;
  bool pattern = false;
};

fields<&unsubscribe_request::topic, &unsubscribe_request::pattern>
fields_of(const unsubscribe_request&);

/// Asks for the number of subscribers of a channel or of a pattern.
struct count_subscribers_request {
  bytes topic;
  bool pattern = false;
};

fields<&count_subscribers_request::topic, &count_subscribers_request::pattern>
fields_of(const count_subscribers_request&);

/// A published message, sent to a subscriber. The subscriber is sent at most one batch
/// (actors/topics/topics_actor.hpp) until it answers.
struct topic_message {
  bytes channel;
  bytes payload;
  bytes topic; ///< The channel or pattern that the actor has subscribed to.
  bool pattern = false;
};

fields<&topic_message::channel, &topic_message::payload, &topic_message::topic,
       &topic_message::pattern>
fields_of(const topic_message&);

/// Sent to a subscriber when the runtime has ended all its subscriptions.
struct topics_ended {
  /// "overloaded": more messages waited for the actor than its queue holds.
  /// "shutting_down": the runtime drains. "out_of_memory": there was no memory.
  std::string code;
  std::string reason; ///< The same as a text for people.
};

fields<&topics_ended::code, &topics_ended::reason>
fields_of(const topics_ended&);

} // namespace troupe
