#pragma once

#include <cstdint>
#include <string>

#include <troupe/messages/types/error.hpp>

namespace troupe::console {

/// Exit codes of the program, and results of a command.
enum exit_code : int {
  succeeded = 0,
  failed = 1,        ///< The server answered with an error, or not in time.
  wrong_usage = 2,   ///< The command was wrong; nothing was done.
  not_connected = 3, ///< No server answers, or the connection was lost.
};

/// Why there is no result.
struct failure {
  exit_code code = failed;
  error reason;
};

/// The peer's answer, or why there is none.
template <class T>
using answer = tl::expected<T, failure>;

} // namespace troupe::console
