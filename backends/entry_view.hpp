#pragma once

#include <cstdint>

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe {

namespace memory {
class entry;
} // namespace memory

/// What a reader sees of an entry: borrowed, valid during the visit only.
struct entry_view {
  bytes_view value;
  version_number version = no_version;

  /// When it expires; with an idle time, if nobody comes.
  time_point deadline = never;

  /// When its TTL ends, which no read puts off; the deadline, without idle time.
  time_point ttl_end = never;

  /// `no_expiry` without one.
  ttl_duration idle = no_expiry;

  /// For those who keep the value or ask what it takes; not to be changed, and
  /// not there in a view that no table gave.
  const memory::entry* from = nullptr;
};

/// Whether a read is a use of the entry, from which its idle time starts anew.
enum class lookup : std::uint8_t { use, peek };

} // namespace troupe
