#pragma once

// What the topics are asked by message, and what an actor that subscribed is sent.
// An actor subscribes itself: the sender of a request is the subscriber.

#include <cstdint>
#include <string>

#include <troupe/messages/fields.hpp>
#include <troupe/messages/types/bytes.hpp>

namespace troupe {

struct publish_request {
  bytes channel;
  bytes payload;
};

fields<&publish_request::channel, &publish_request::payload>
fields_of(const publish_request&);

struct subscribe_request {
  bytes topic;          ///< A channel, or a pattern.
  bool pattern = false; ///< The topic is a glob-style pattern of channels.
};

fields<&subscribe_request::topic, &subscribe_request::pattern>
fields_of(const subscribe_request&);

struct unsubscribe_request {
  bytes topic;
  bool pattern = false;
};

fields<&unsubscribe_request::topic, &unsubscribe_request::pattern>
fields_of(const unsubscribe_request&);

struct count_subscribers_request {
  bytes topic;
  bool pattern = false;
};

fields<&count_subscribers_request::topic, &count_subscribers_request::pattern>
fields_of(const count_subscribers_request&);

/// A message that was published, for one of its subscribers.
struct topic_message {
  bytes channel;
  bytes payload;
  bytes topic; ///< The channel or pattern of the subscription.
  bool pattern = false;
};

fields<&topic_message::channel, &topic_message::payload, &topic_message::topic,
       &topic_message::pattern>
fields_of(const topic_message&);

/// The runtime has ended all subscriptions of an actor.
struct topics_ended {
  /// "overloaded": more waited for the actor than its queue holds. "shutting_down":
  /// the runtime drains. "out_of_memory".
  std::string code;
  std::string reason; ///< For people.
};

fields<&topics_ended::code, &topics_ended::reason>
fields_of(const topics_ended&);

} // namespace troupe
