#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <troupe/backends/memory/limits/budget.hpp>
#include <troupe/backends/memory/limits/removal_sink.hpp>
#include <troupe/backends/memory/tags/invalidations.hpp>
#include <troupe/messages/types/clock.hpp>
#include <troupe/messages/types/defaults.hpp>
#include <troupe/messages/types/eviction.hpp>

namespace troupe::memory {

/// The parts that the tables of a region share. All of them must be set.
struct table_options {
  /// Must outlive the table.
  const clock* time = &clock::steady();

  std::shared_ptr<invalidations> forgotten = std::make_shared<invalidations>();

  /// The budgets of bytes and entries.
  std::shared_ptr<budget> bytes = std::make_shared<budget>(budget::unlimited);
  std::shared_ptr<budget> entries = std::make_shared<budget>(budget::unlimited);

  /// Number of tables that share the budgets.
  std::size_t shares = 1;

  /// Receives every removed entry. Must outlive the table.
  removal_sink* removals = &removal_sink::nobody();

  eviction_policy eviction = eviction_policy::s3_fifo;

  /// Events of keys that the table keeps.
  std::size_t events = defaults::recorded_events;
};

/// The result of a change.
enum class put_result : std::uint8_t {
  done,
  no_memory, ///< The system has no memory; nothing has changed.
  no_room, ///< The limit is reached and nothing is evicted; nothing has changed.
  too_large, ///< Charged more than `largest_charge`; nothing has changed.
};

} // namespace troupe::memory
