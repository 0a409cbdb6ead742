#pragma once

#include <cstddef>

/// Every default and limit of the protocol: name, unit, reason.
namespace troupe::resp::defaults {

/// Arguments of one command, as Redis. What keeps track of those of an incomplete
/// command counts among its bytes.
inline constexpr std::size_t max_arguments = 2'147'483'647;

/// Bytes of an inline command, and of the line that announces a length. As
/// Redis.
inline constexpr std::size_t max_line = 64 * 1024;

/// Bytes of one command with all its arguments; as Redis's
/// `client-query-buffer-limit`.
inline constexpr std::size_t max_command = 1024UL * 1024 * 1024;

/// Arguments of one command, and bytes of each, before a client has given its
/// password. As Redis.
inline constexpr std::size_t max_stranger_arguments = 10;
inline constexpr std::size_t max_stranger_bulk = 16 * 1024;

/// Bytes of one reply, unless it is a single value: an MGET cannot make the
/// server collect more than this.
inline constexpr std::size_t max_reply = 64UL * 1024 * 1024;

/// Bytes of a value from which on it is received into memory of its own, which
/// becomes its entry, and sent from there: to copy it would hold up the other
/// connections of the thread.
inline constexpr std::size_t large_value = 256 * 1024;

/// Commands parsed before they are executed: enough to overlap the cache misses
/// of their keys, few enough to stay in the first-level cache.
inline constexpr std::size_t batch_size = 128;

} // namespace troupe::resp::defaults
