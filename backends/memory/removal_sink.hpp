#pragma once

#include <troupe/messages/types/bytes.hpp>
#include <troupe/messages/types/removal.hpp>

namespace troupe::memory {

/// Hears of entries that go, in the turn of their shard: it copies what it wants
/// to keep and is brief.
class removal_sink {
public:
  virtual ~removal_sink() = default;

  virtual void removed(bytes_view key, bytes_view value,
                       removal_cause cause) noexcept
    = 0;
};

} // namespace troupe::memory
