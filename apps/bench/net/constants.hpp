#pragma once

// A server that answers every request with the same bytes and never looks at
// what it was asked: beside it one sees what the client and the system take for
// themselves, and so how much faster any server could be.
//
// What it has to know is how many requests came in. In the protocol every
// request starts with a '*', and redis-benchmark sends none elsewhere: its keys
// are letters, a colon and digits, its values characters from '0' to 'o'. So
// requests are counted by counting asterisks, which takes a fraction of a
// nanosecond per byte. An answer may leave before the end of its request came
// in; redis-benchmark sends all it has to send before it reads.
//
// Which answer it is shows in the first letter of the first command on a
// connection; redis-benchmark asks for one thing only on each.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <troupe/messages/types/error.hpp>

namespace troupe::bench {

/// How many bytes of a connection tell its answer.
inline constexpr std::size_t telling_bytes = 9;

/// The answer to all requests of a connection whose first `telling_bytes` bytes
/// are `head`: a value of `value_size` bytes for GET, a number for INCR, the
/// list that redis-benchmark wants for its CONFIG GET, OK for the others.
[[nodiscard]] std::string constant_answer(std::string_view head,
                                          std::size_t value_size);

/// How many requests start in `data`.
[[nodiscard]] std::size_t count_requests(std::string_view data) noexcept;

/// Serves a port of the loopback interface, any free one, on the calling
/// thread until the process ends. Calls `ready` with the port first.
/// Errors: `system_error`; returns only then.
[[nodiscard]] error
serve_constants(std::size_t value_size,
                const std::function<void(std::uint16_t)>& ready);

} // namespace troupe::bench
