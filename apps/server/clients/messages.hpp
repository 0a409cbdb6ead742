#pragma once

#include "apps/resp/reply_writer.hpp"
#include "apps/server/clients/client.hpp"

namespace troupe::server {

/// Writes messages of topics that wait for a client, oldest first, until none is left
/// or `defaults::flush_size` bytes have been written. Returns whether messages are
/// left. Must not be called in the middle of a reply. Throws std::bad_alloc.
bool write_messages(client& self, resp::reply_writer& reply);

/// Writes all waiting messages, before the reply of the running command. Within EXEC it
/// writes nothing; the messages follow after EXEC's reply. Throws std::bad_alloc.
void write_messages_before_reply(client& self, resp::reply_writer& reply);

} // namespace troupe::server
