#pragma once

#include <cstdint>
#include <string>

#include <troupe/messages/types/error.hpp>

namespace troupe::console {

/// Exit codes of the program, and how a command went.
enum exit_code : int {
  succeeded = 0,
  failed = 1,        ///< The server answered with an error, or not in time.
  wrong_usage = 2,   ///< Nothing was done.
  not_connected = 3, ///< No server answers, or it went away.
};

/// Why there is no result.
struct failure {
  exit_code code = failed;
  error reason;
};

/// What the peer answered, or why it did not.
template <class T>
using answer = tl::expected<T, failure>;

} // namespace troupe::console
