#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every default and limit of the server: name, unit, reason.
namespace troupe::server::defaults {

/// One above Redis's 6379, so that both run side by side.
inline constexpr std::uint16_t port = 6380;

/// Threads that serve connections on a machine with so many cores (0: not
/// known). One core is left for the kernel's share of the work, for loads and,
/// on small machines, for the clients: a thread that competes with them for it
/// makes every request dearer.
[[nodiscard]] constexpr std::size_t threads(std::size_t cores) noexcept {
  return cores > 1 ? cores - 1 : 1;
}

/// The same as Redis's `maxclients`.
inline constexpr std::size_t max_connections = 10'000;

/// As Redis. Each costs memory once it was selected.
inline constexpr std::size_t databases = 16;

/// Descriptors that are not connections of clients, with so many threads: of the console
/// 16 that wait for each of its two doors, and 64 that have passed it; of each thread
/// what it waits with (two of epoll, an event, a timer); log, sockets that listen (17 at
/// each of two ports), files that are read, and those of CAF.
[[nodiscard]] constexpr std::size_t
reserved_descriptors(std::size_t threads) noexcept {
  constexpr std::size_t console = 2 * (16 + 64);
  constexpr std::size_t each_thread = 4;
  constexpr std::size_t others = 96;
  return console + each_thread * threads + others;
}

/// How long a stop waits for replies that clients have not taken yet, and for
/// loads in flight.
inline constexpr std::chrono::seconds drain_timeout{10};

// -- what clients may keep and ask for ----------------------------------------------

/// The largest limit of a client's bytes that an option allows: 1 TiB.
inline constexpr std::int64_t most_client_bytes = std::int64_t{1} << 40;

/// The longest time that an option of clients allows: the maximum of Redis's
/// `client-output-buffer-limit`, so that each of its values can be written to the file
/// and read again.
inline constexpr std::chrono::seconds most_client_seconds{2'147'483'647};

/// Bytes that all clients together may keep in transactions, subscriptions, commands
/// that were not executed and replies that were not taken; as Redis's
/// `maxmemory-clients`, which has no bound by default.
inline constexpr std::size_t max_client_memory = 1024UL * 1024 * 1024;

/// Bytes that a client may keep whatever the others keep: enough for a small transaction
/// or subscription, and for ten thousand clients not more than the limit for all.
inline constexpr std::size_t least_client_memory = 64UL * 1024;

// -- leases of missing keys (GETL) -----------------------------------------------------

/// How long a lease lasts when the client does not say: as long as a loader of the
/// runtime may run.
inline constexpr std::chrono::milliseconds lease_time{30'000};

/// The longest lease, and the longest wait for another client's. While a lease lasts, its
/// client may be stuck and the others wait for it.
inline constexpr std::chrono::milliseconds longest_lease_time{3'600'000};

/// How often leases whose time is over are ended, while there are any.
inline constexpr std::chrono::milliseconds lease_tick{20};

/// How often a command that reads several keys tries to find a moment without a
/// change of several keys before it asks for one.
inline constexpr int reads_between_changes = 8;

/// Bytes of the buffers of all clients that have not given their password. One that needs
/// more then is disconnected; a command that comes in one piece, as AUTH does, needs none.
inline constexpr std::size_t max_stranger_memory = 64UL * 1024 * 1024;

/// Bytes of replies after which a client without a password given has to read.
inline constexpr std::size_t stranger_output = 4 * 1024;

/// Bytes of the name of a client, or of its library: what CLIENT LIST shows of ten
/// thousand clients should fit in a reply.
inline constexpr std::size_t max_client_name = 4 * 1024;

/// Names in one command after which the memory of its client is looked at.
inline constexpr std::size_t names_between_looks = 256;

/// Bytes of confirmations that one command may ask for, as Redis's limits of output
/// allow a subscriber.
inline constexpr std::size_t max_confirmations = 256UL * 1024 * 1024;

/// Bytes that a client gives back from which on the system should get them.
inline constexpr std::size_t trimmed_memory = 8UL * 1024 * 1024;

// -- a connection's turn -----------------------------------------------------------

/// Bytes read at once. Holds a pipeline of a thousand small commands.
inline constexpr std::size_t read_size = 64 * 1024;

/// The same when a large command arrives.
inline constexpr std::size_t large_read_size = 1024 * 1024;

/// Replies are sent when this many bytes have gathered, although more commands
/// wait. A client that does not read stops its connection here.
inline constexpr std::size_t flush_size = 256 * 1024;

/// Bytes of replies sent in one go to a client that takes them as fast, before
/// others get their turn.
inline constexpr std::size_t sent_per_turn = 4UL * 1024 * 1024;

/// How long the commands of one connection run before others get their turn. It is
/// looked at after each `resp::defaults::batch_size` commands.
inline constexpr std::chrono::milliseconds turn_time{2};

/// Reads of one connection before others get their turn.
inline constexpr int reads_per_turn = 4;

/// Bursts of `flush_size` messages that one subscriber is sent before others get
/// their turn.
inline constexpr int bursts_per_turn = 4;

/// Bytes of buffer an idle connection, or a thread, may keep.
inline constexpr std::size_t kept_input = 16 * 1024;
inline constexpr std::size_t kept_output = 1024 * 1024;

/// How long a refused client may keep sending before it is cut off, so that it
/// gets to read the reason.
inline constexpr std::chrono::milliseconds linger{500};

/// How often a thread looks for clients that have been silent for too long.
inline constexpr std::chrono::seconds idle_check{1};

/// How often at most the system gets what clients have given back: that holds up all
/// threads that allocate for some milliseconds.
inline constexpr std::chrono::seconds trim_pause{5};

/// Pause of the acceptor when descriptors have run out.
inline constexpr std::chrono::milliseconds accept_pause{50};

} // namespace troupe::server::defaults
