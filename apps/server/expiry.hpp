#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::server {

/// How a command spells a point in time.
struct expiry_unit {
  bool seconds;  ///< Else milliseconds.
  bool absolute; ///< Since 1970 by the wall clock; else from now on.
};

/// The time an entry has left, in milliseconds; zero or less: none. Or, in
/// `refusal`, why there is none: the text is not an integer, or the point in
/// time does not fit 64 bits of milliseconds. `command` names the culprit.
std::optional<std::int64_t> time_left(bytes_view text, expiry_unit unit,
                                      std::string_view command,
                                      std::string& refusal);

/// As above for commands that refuse zero and less as `text`.
std::optional<std::int64_t>
positive_time_left(bytes_view text, expiry_unit unit, std::string_view command,
                   std::string& refusal);

/// The TTL for a time left of at least a millisecond. What exceeds the longest
/// TTL, a hundred years, is cut to it.
[[nodiscard]] inline ttl_duration to_ttl(std::int64_t milliseconds) noexcept {
  return std::min(ttl_duration{milliseconds}, max_ttl);
}

/// A client's TTL is kept exactly: jitter is for the server's own.
[[nodiscard]] inline write_options expiring_in(ttl_duration ttl) noexcept {
  write_options how;
  how.ttl = ttl;
  how.jitter = 0.0;
  return how;
}

} // namespace troupe::server
