#pragma once

// All commands that the server knows, by name. The families (families.hpp) tell which
// there are.

#include <span>
#include <string>

#include <troupe/messages/types/bytes.hpp>

#include "apps/resp/arguments.hpp"
#include "apps/server/calls/command.hpp"
#include "apps/server/calls/command_call.hpp"

namespace troupe::server {

/// Every command, in the order of the families.
std::span<const command* const> all_commands();

/// The command of this name in any case, or nullptr. Constant time.
const command* find_command(bytes_view name) noexcept;

/// The same among the subcommands of a container.
const command* find_subcommand(const command& container,
                               bytes_view name) noexcept;

/// The command these words call, or nullptr after `refusal` was given the
/// reason: unknown, or the wrong number of words.
const command* resolve(resp::arguments words, std::string& refusal);

/// Replies to HELP of a container: its subcommands with their summaries.
void reply_help(command_call& call);

} // namespace troupe::server
