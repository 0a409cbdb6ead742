#pragma once

// Functions of the application that a runtime calls.

#include <chrono>
#include <cstdint>
#include <functional>

namespace troupe {

/// How an application's clients ended.
struct ended_clients {
  std::uint64_t served = 0; ///< Clients when the drain began.
  std::uint64_t cut = 0;    ///< Clients that were disconnected.
};

/// Refuses new clients, lets the present ones finish, and disconnects the rest after
/// the time `left`. Must not throw or drain.
using client_end = std::function<ended_clients(std::chrono::milliseconds left)>;

} // namespace troupe
