#pragma once

// What a runtime calls of the application around it.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

namespace troupe {

struct actor_list;

/// What an application keeps that is worth a row in the list of actors, such
/// as topics: adds the rows whose name starts with the prefix to the list,
/// few enough for a person to read, and the number of all others to
/// `omitted`. Called by the supervisor, on any thread; must not throw and not
/// call the runtime.
using row_source = std::function<void(std::string_view prefix, actor_list& to)>;

/// What became of an application's clients.
struct ended_clients {
  std::uint64_t served = 0; ///< How many there were.
  std::uint64_t cut = 0;    ///< Those that had not ended in time.
};

/// Takes no clients any more, lets those that there are end, and cuts off those
/// that have not when this time is over. Must not throw or drain.
using client_end = std::function<ended_clients(std::chrono::milliseconds left)>;

} // namespace troupe
