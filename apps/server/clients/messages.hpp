#pragma once

#include "apps/resp/reply_writer.hpp"
#include "apps/server/clients/client.hpp"

namespace troupe::server {

/// Writes messages that have come for a client, oldest first, until none is
/// left or `defaults::flush_size` bytes have been written. Tells whether some
/// are left. Not to be called in the middle of a reply.
bool write_messages(client& self, resp::reply_writer& reply);

/// The same, of any size, in front of the reply that is about to be written.
/// Within EXEC nothing is written: the messages follow when its reply is
/// complete.
void write_messages_before_reply(client& self, resp::reply_writer& reply);

} // namespace troupe::server
