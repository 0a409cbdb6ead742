#pragma once

#include <cstdint>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

namespace memory {
class entry;
} // namespace memory

/// An entry as a reader sees it: borrowed, valid during the visit only.
struct entry_view {
  bytes_view value;
  version_number version = no_version;

  /// When it expires; with an idle time, if nothing reads or writes it.
  time_point deadline = never;

  /// When its TTL ends, which no read postpones; without an idle time, the deadline.
  time_point ttl_end = never;

  /// `no_expiry`: it has no idle time.
  ttl_duration idle = no_expiry;

  /// The entry in the table, for callers that keep the value or ask for its charge. It
  /// must not be changed; nullptr in a view that does not come from a table.
  const memory::entry* from = nullptr;
};

/// The moments of an entry besides its deadline; see leases.hpp.
struct staleness {
  time_point usable_until = never;
  time_point refresh_from = never;
  bool absence = false; ///< It is a cached absence: there is no value.
};

/// Whether a read is a use of the entry, from which its idle time starts anew.
enum class lookup : std::uint8_t { use, peek };

} // namespace troupe
