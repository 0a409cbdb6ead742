#pragma once

// The topics' actor: publishes and subscribes at the hub (topic_hub.hpp) for other
// actors.
//
// Accepts: `topics_actor` (messages/interfaces.hpp). The sender of a
//   `subscribe_request` becomes a subscriber.
// Sends: `topic_message` and `topics_ended` (interface `topic_subscriber_actor`) to
//   subscribers.
// Invariants
//   1. Messages for a subscriber wait in its queue (subscriber.hpp), within the limits
//      of the queue. The subscriber's mailbox holds at most one batch of messages from
//      this actor: a batch ends with the message that brings it to 64 KiB, and has at
//      most 2,048 messages. The next batch is sent after the subscriber has answered
//      the last message of the batch. A drain and a restart are the exceptions.
//   2. A subscriber that dies has left all topics once its death has been handled here.
//      A subscriber that answers with an error leaves all topics, too. So does one that
//      exceeds the limits of its queue, and it is sent `topics_ended`.
//   3. A drain sends each subscriber its waiting messages, and then `topics_ended`.
// Supervision: a service, always restarted. A restart keeps all subscriptions. Messages
//   of the last batch before the restart are not sent again. The next batch is sent at
//   once, even if that one has not been answered.
// Threading: an ordinary actor of CAF's scheduler.

#include <memory>

#include <troupe/actors/services/service.hpp>
#include <troupe/actors/topics/topic_hub.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

/// Makes the service whose actor this is. `hub` must not be null.
[[nodiscard]] std::shared_ptr<typed_service<topics_actor>>
make_topic_service(std::shared_ptr<topic_hub> hub);

} // namespace troupe
