#pragma once

// Functions of the application that a runtime calls.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

namespace troupe {

struct actor_list;

/// Rows of an application for the list of actors, such as its topics. Adds the rows
/// whose name starts with `prefix` to the list, few enough for a person to read, and
/// the number of all others to `omitted`. The supervisor calls it, on any thread; it
/// must not throw and not call the runtime.
using row_source = std::function<void(std::string_view prefix, actor_list& to)>;

/// How an application's clients ended.
struct ended_clients {
  std::uint64_t served = 0; ///< Clients when the drain began.
  std::uint64_t cut = 0;    ///< Clients that were disconnected.
};

/// Refuses new clients, lets the present ones finish, and disconnects the rest after
/// the time `left`. Must not throw or drain.
using client_end = std::function<ended_clients(std::chrono::milliseconds left)>;

} // namespace troupe
