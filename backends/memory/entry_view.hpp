#pragma once

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/clock.hpp>

namespace troupe {

/// What a reader sees of an entry: borrowed, valid during the visit only.
struct entry_view {
  bytes_view value;
  version_number version = no_version;
  time_point deadline = never;
};

} // namespace troupe
