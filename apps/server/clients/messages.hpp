#pragma once

#include "apps/server/command_table.hpp"
#include "apps/resp/reply_writer.hpp"

namespace troupe::server {

/// Writes messages that have come for a client, oldest first, until none is
/// left or `defaults::flush_size` bytes have been written. Tells whether some
/// are left. Not to be called in the middle of a reply.
bool write_messages(client& self, reply_writer& reply);

/// The same, of any size, in front of the reply that is about to be written.
/// Within EXEC nothing is written: the messages follow when its reply is
/// complete.
void write_messages_before_reply(command_call& call);

} // namespace troupe::server
