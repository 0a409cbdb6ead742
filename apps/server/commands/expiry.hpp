#pragma once

#include <optional>
#include <string>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

#include "apps/server/calls/command_call.hpp"

namespace troupe::server {

/// How a command spells a point in time.
struct expiry_unit {
  bool seconds;  ///< Else milliseconds.
  bool absolute; ///< Since 1970 by the wall clock; else from now on.

  friend bool operator==(const expiry_unit&, const expiry_unit&) = default;
};

/// When an entry is to expire. What is further away than the longest TTL, a
/// hundred years, is cut to that.
struct expiry {
  time_point deadline; ///< By the region's clock.
  ttl_duration left;   ///< Until then, by milliseconds.
  bool passed;         ///< The deadline is not in the future.
};

/// The point in time that `text` says. Or, in `refusal`, why there is none: it
/// is not an integer, or does not fit 64 bits of milliseconds.
std::optional<expiry> parse_expiry(const command_call& call, bytes_view text,
                                   expiry_unit unit, std::string& refusal);

/// As above for commands that refuse zero and less as `text`.
std::optional<expiry> parse_positive_expiry(const command_call& call,
                                            bytes_view text, expiry_unit unit,
                                            std::string& refusal);

/// A client's TTL is kept exactly: jitter is for the server's own.
[[nodiscard]] inline write_options expiring_in(ttl_duration ttl) noexcept {
  write_options how;
  how.ttl = ttl;
  how.jitter = 0.0;
  return how;
}

} // namespace troupe::server
