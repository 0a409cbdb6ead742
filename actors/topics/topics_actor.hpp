#pragma once

// The actor of the topics (topic_hub.hpp): publishes and subscribes for other actors.
//
// Accepts: `topics_actor` (messages/interfaces.hpp). The sender of a
//   `subscribe_request` becomes a subscriber.
// Sends: `topic_message` and `topics_ended` to subscribers, as a
//   `topic_subscriber_actor` takes them.
// Invariants
//   1. What waits for a subscriber waits in its queue (subscriber.hpp), within its
//      limits. Its mailbox has at most one batch of messages from here: 64 KiB, and
//      2048 messages. The next batch follows when the last message of the batch was
//      answered.
//   2. A subscriber that dies has left all topics when its death has been reported
//      here. One that falls behind by more than the limits of its queue, or answers
//      with an error, leaves them, too; the first is sent `topics_ended`.
//   3. A drain sends each subscriber what waits, and then `topics_ended`.
// Supervision: a service, always restarted. A restart keeps all subscriptions.
//   Messages of a batch that was under way are not sent again, and the next batch
//   follows at once.
// Threading: an ordinary actor of CAF's scheduler.

#include <memory>

#include <troupe/actors/services/service.hpp>
#include <troupe/actors/topics/topic_hub.hpp>
#include <troupe/messages/interfaces.hpp>

namespace troupe {

/// The topics as a service of a runtime.
[[nodiscard]] std::shared_ptr<typed_service<topics_actor>>
make_topic_service(std::shared_ptr<topic_hub> hub);

} // namespace troupe
