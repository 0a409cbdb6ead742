#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe::console {

/// Tries a TCP connection and closes it. Empty when it came about, else the
/// system's reason. Blocks for `timeout` at most, name look-up included.
[[nodiscard]] std::string probe(const std::string& host, std::uint16_t port,
                                std::chrono::milliseconds timeout);

} // namespace troupe::console
