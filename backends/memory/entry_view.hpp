#pragma once

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe {

namespace memory {
class entry;
} // namespace memory

/// What a reader sees of an entry: borrowed, valid during the visit only.
struct entry_view {
  bytes_view value;
  version_number version = no_version;
  time_point deadline = never;

  /// For those who keep the value or ask what it takes; not to be changed, and
  /// not there in a view that no table gave.
  const memory::entry* from = nullptr;
};

} // namespace troupe
