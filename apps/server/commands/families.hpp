#pragma once

// The commands by family, each a table in a file of its own. A new command is a row and
// a function.

#include <span>

#include "apps/server/calls/command.hpp"

namespace troupe::server {

std::span<const command> client_commands() noexcept;
std::span<const command> config_commands() noexcept;
std::span<const command> connection_commands() noexcept;
std::span<const command> expiry_commands() noexcept;
std::span<const command> key_commands() noexcept;
std::span<const command> lease_commands() noexcept;
std::span<const command> memory_commands() noexcept;
std::span<const command> multi_key_commands() noexcept;
std::span<const command> pubsub_commands() noexcept;
std::span<const command> server_commands() noexcept;
std::span<const command> string_commands() noexcept;
std::span<const command> transaction_commands() noexcept;
std::span<const command> value_commands() noexcept;

} // namespace troupe::server
