#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <troupe/messages/types/eviction.hpp>

namespace troupe {

/// Contents and counters of a provider. A snapshot; the parts are not taken at one
/// instant. Figures that a provider does not count stay 0.
struct provider_figures {
  std::uint64_t keys = 0;     ///< Entries, those not yet swept included.
  std::uint64_t expiring = 0; ///< Entries with a deadline.
  /// The mean of the time that expiring entries have left.
  std::chrono::milliseconds mean_ttl{0};
  std::uint64_t bytes = 0;       ///< Memory of tables and entries.
  std::uint64_t charged = 0;     ///< Bytes that count against limits.
  std::uint64_t tag_names = 0;   ///< Names of tags in use.
  std::uint64_t tag_bytes = 0;   ///< Memory of these names; it is charged, too.
  std::uint64_t evictions = 0;   ///< Entries removed because of a limit.
  std::uint64_t expirations = 0; ///< Entries removed because of their deadline.
  std::uint64_t removals_dropped = 0; ///< Not reported to the listener.
  std::uint64_t retired = 0;          ///< Bytes that wait for readers.
  std::uint64_t vacant = 0;        ///< Bytes held for entries of other sizes.
  std::uint64_t relocations = 0;   ///< Entries moved to free such bytes.
  std::uint64_t handled = 0;       ///< Mailbox tasks that ran.
  std::uint64_t mailbox_depth = 0; ///< Mailbox tasks that wait.
  std::uint64_t restarts = 0;      ///< Restarts of shards.
  std::uint64_t shards_failed = 0; ///< Crashed too often and stay down.
};

/// The same for a region.
struct region_stats : provider_figures {
  std::uint64_t undecodable = 0; ///< Reads that met bytes that are no value.
};

/// A namespace of a region: its limits, contents and counters. A snapshot, too.
struct namespace_stats {
  std::string prefix;
  std::size_t max_bytes = 0;   ///< 0: no limit.
  std::size_t max_entries = 0; ///< 0: no limit.
  eviction_policy eviction = eviction_policy::s3_fifo;
  bool own_eviction = false; ///< It has its own policy.
  std::size_t shards = 0;
  std::uint64_t keys = 0;
  std::uint64_t charged = 0;
  std::uint64_t evictions = 0;
  std::uint64_t expirations = 0;
};

/// How much of their jitter entries were given, in sixteenths of the region's (or the
/// entry's own) jitter: slot 0 counts entries that live for nearly all of their TTL,
/// the last slot entries that got nearly the whole jitter.
using jitter_counts = std::array<std::uint64_t, 16>;

} // namespace troupe
