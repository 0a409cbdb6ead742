#pragma once

// Runs long commands in slices; see unfinished_command.hpp.

#include <memory>

#include "apps/resp/reply_writer.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/clients/unfinished_command.hpp"

namespace troupe::server {

/// Runs the first slice of a long command. If work is left, the client keeps it as its
/// unfinished command. Within EXEC, runs the whole command. May throw std::bad_alloc.
void begin_long(command_call& call, std::unique_ptr<unfinished_command> work);

/// Runs one slice of the client's unfinished command. Returns true when the command is
/// done; its reply was written then, unless CLIENT REPLY drops it. Precondition: there
/// is such a command, and it does not wait.
bool continue_unfinished(client& self, resp::reply_writer& reply);

} // namespace troupe::server
