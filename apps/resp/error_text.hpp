#pragma once

// What clients read when something is refused: Redis 7's own words wherever
// Redis has some, since clients compare them.

#include <cstddef>
#include <string>
#include <string_view>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/error.hpp>

#include "apps/resp/arguments.hpp"

namespace troupe::resp::error_text {

inline constexpr std::string_view syntax = "ERR syntax error";
inline constexpr std::string_view not_in_transaction
  = "ERR Command not allowed inside a transaction";
inline constexpr std::string_view no_shutdown = "ERR No shutdown in progress.";
inline constexpr std::string_view no_shutdown_here
  = "ERR this program does not let its clients end it";
inline constexpr std::string_view no_config_file
  = "ERR The server is running without a config file";
inline constexpr std::string_view not_an_integer
  = "ERR value is not an integer or out of range";
inline constexpr std::string_view int_range
  = "ERR value is out of range, value must between -2147483648 and 2147483647";
inline constexpr std::string_view overflow
  = "ERR increment or decrement would overflow";
inline constexpr std::string_view decrement_overflow
  = "ERR decrement would overflow";
inline constexpr std::string_view not_a_float
  = "ERR value is not a valid float";
inline constexpr std::string_view not_finite
  = "ERR increment would produce NaN or Infinity";
inline constexpr std::string_view string_too_long
  = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr std::string_view offset_range = "ERR offset is out of range";
inline constexpr std::string_view invalid_cursor = "ERR invalid cursor";
inline constexpr std::string_view database_range
  = "ERR DB index is out of range";
inline constexpr std::string_view expire_options_nx
  = "ERR NX and XX, GT or LT options at the same time are not compatible";
inline constexpr std::string_view expire_options_gt_lt
  = "ERR GT and LT options at the same time are not compatible";
inline constexpr std::string_view protocol_version
  = "NOPROTO unsupported protocol version";
inline constexpr std::string_view protocol_not_an_integer
  = "ERR Protocol version is not an integer or out of range";
inline constexpr std::string_view no_password
  = "ERR AUTH <password> called without any password configured for the "
    "default user. Are you sure your configuration is correct?";
inline constexpr std::string_view wrong_password
  = "WRONGPASS invalid username-password pair or user is disabled.";
inline constexpr std::string_view not_authenticated
  = "NOAUTH Authentication required.";
inline constexpr std::string_view exec_not_authenticated
  = "EXECABORT Transaction discarded because of: NOAUTH Authentication "
    "required.";
inline constexpr std::string_view hello_not_authenticated
  = "NOAUTH HELLO must be called with the client already authenticated, "
    "otherwise the HELLO AUTH <user> <pass> option can be used to authenticate "
    "the client and select the RESP protocol version at the same time";
inline constexpr std::string_view client_name
  = "ERR Client names cannot contain spaces, newlines or special characters.";
inline constexpr std::string_view library_name
  = "ERR lib-name cannot contain spaces, newlines or special characters.";
inline constexpr std::string_view library_version
  = "ERR lib-ver cannot contain spaces, newlines or special characters.";
inline constexpr std::string_view client_number = "ERR Invalid client ID";
inline constexpr std::string_view client_number_positive
  = "ERR client-id should be greater than 0";
inline constexpr std::string_view no_such_client = "ERR No such client";
inline constexpr std::string_view reply_in_transaction
  = "ERR CLIENT REPLY is not allowed in transactions";
inline constexpr std::string_view unblocked
  = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
inline constexpr std::string_view waited_too_long
  = "TRYAGAIN the command has waited for its answer as long as it may";
inline constexpr std::string_view too_many_clients
  = "ERR max number of clients reached";
inline constexpr std::string_view limit_reached
  = "OOM command not allowed when used memory > 'maxmemory'.";
inline constexpr std::string_view out_of_memory
  = "OOM out of memory; nothing was changed";
inline constexpr std::string_view nested_multi
  = "ERR MULTI calls can not be nested";
inline constexpr std::string_view watch_in_multi
  = "ERR WATCH inside MULTI is not allowed";
inline constexpr std::string_view exec_without_multi = "ERR EXEC without MULTI";
inline constexpr std::string_view discard_without_multi
  = "ERR DISCARD without MULTI";
inline constexpr std::string_view exec_aborted
  = "EXECABORT Transaction discarded because of previous errors.";
inline constexpr std::string_view transaction_too_large
  = "ERR the transaction is too large; send it in parts, or raise "
    "client-query-buffer-limit";
inline constexpr std::string_view client_evicted
  = "ERR the connection is closed: all clients together hold more than "
    "maxmemory-clients in transactions, subscriptions, commands and replies "
    "that wait; use less, or raise that";
inline constexpr std::string_view no_such_key = "ERR no such key";
inline constexpr std::string_view same_object
  = "ERR source and destination objects are the same";
inline constexpr std::string_view shutting_down = "ERR server is shutting down";
inline constexpr std::string_view internal
  = "ERR internal error; nothing is known about the command's effect";

/// Those that name a limit, in bytes.
std::string long_name(std::size_t most);
std::string pattern_too_long();
std::string channel_too_long(std::size_t most);
std::string too_many_confirmations(std::size_t most);

/// `name` as the command table spells it, e.g. "client|setname".
std::string wrong_arity(std::string_view name);

/// `words` as the client sent them.
std::string unknown_command(arguments words);
std::string unknown_subcommand(arguments words);

/// An EXEC that was refused as `why` says.
std::string exec_refused(std::string_view why);

/// `name` as the command table spells it.
std::string not_for_subscribers(std::string_view name);

/// `words` as the client sent them.
std::string wrong_subcommand_call(arguments words);

std::string invalid_expire(std::string_view command);
std::string unsupported_option(bytes_view option);
std::string unrecognized_option(bytes_view option);
std::string hello_option(bytes_view option);
std::string unknown_setting(bytes_view name);
std::string immutable_setting(bytes_view name);
std::string refused_setting(bytes_view name, std::string_view reason);
std::string reply_too_large(std::size_t limit);

/// How the runtime's errors read on the wire:
///
///   key_too_large    ERR key is too large: ...
///   value_too_large  ERR value is too large: ...
///   invalid_argument ERR invalid argument: ...
///   not_an_integer   ERR value is not an integer or out of range
///   integer_overflow ERR increment or decrement would overflow
///   out_of_memory, limit_reached      OOM ...
///   shutting_down    ERR server is shutting down
///   timeout, shard_down, overloaded   TRYAGAIN ...
///   anything else    ERR internal error: its name
///
/// Except for "internal error", the command has changed nothing, or of several
/// keys only those before the one that failed.
std::string of(const error& x);

} // namespace troupe::resp::error_text
