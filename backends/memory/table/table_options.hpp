#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/limits/removal_sink.hpp>
#include <troupe/backends/memory/tags/invalidations.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe::memory {

/// What a table shares with the others of its region. All of it must be there.
struct table_options {
  /// Must outlive the table.
  const clock* time = &clock::steady();

  std::shared_ptr<invalidations> forgotten = std::make_shared<invalidations>();

  /// Where the bytes and the entries come from.
  std::shared_ptr<budget> bytes = std::make_shared<budget>(budget::unlimited);
  std::shared_ptr<budget> entries = std::make_shared<budget>(budget::unlimited);

  /// How many tables share them.
  std::size_t shares = 1;

  /// Hears of every entry that goes. Must outlive the table.
  removal_sink* removals = &removal_sink::nobody();

  eviction_policy eviction = eviction_policy::s3_fifo;
};

/// How a change ended.
enum class put_result : std::uint8_t {
  done,
  no_memory, ///< The system has none; nothing has changed.
  no_room, ///< The limit is reached and nothing is evicted; nothing has changed.
  too_large, ///< The entry is charged more than `largest_charge`; as above.
};

} // namespace troupe::memory
