#pragma once

// What a runtime calls of the application around it.

#include <chrono>
#include <cstdint>
#include <functional>

namespace troupe {

/// What became of an application's clients.
struct ended_clients {
  std::uint64_t served = 0; ///< How many there were.
  std::uint64_t cut = 0;    ///< Those that had not ended in time.
};

/// Takes no clients any more, lets those that there are end, and cuts off those
/// that have not when this time is over. Must not throw or drain.
using client_end = std::function<ended_clients(std::chrono::milliseconds left)>;

} // namespace troupe
