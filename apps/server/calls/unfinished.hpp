#pragma once

// Commands that go on later: see unfinished_command.hpp.

#include <memory>

#include "apps/resp/reply_writer.hpp"
#include "apps/server/calls/command_call.hpp"
#include "apps/server/clients/client.hpp"
#include "apps/server/clients/unfinished_command.hpp"

namespace troupe::server {

/// Does one slice of what the command leaves to do, or, within a transaction, all.
void begin_long(command_call& call, std::unique_ptr<unfinished_command> work);

/// Goes on with the client's unfinished command, which does not wait, for a slice; true
/// when that replied.
bool continue_unfinished(client& self, resp::reply_writer& reply);

} // namespace troupe::server
