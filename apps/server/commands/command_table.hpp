#pragma once

// All commands that the server knows, by name: those of the families (families.hpp), and
// what a program adds.

#include <span>
#include <string>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

#include "apps/resp/arguments.hpp"
#include "apps/server/calls/command.hpp"
#include "apps/server/calls/command_call.hpp"

namespace troupe::server {

/// Adds commands of a program's own; `family` and all that it refers to stay for good. Not
/// thread-safe: before the first server starts, as in the initialisation of a static
/// variable beside the family. Errors: `invalid_argument` (there is such a command, a name
/// is empty or has more than 16 letters, or there are too many); nothing is added then.
expected<void> add_commands(std::span<const command> family);

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
