#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <troupe/messages/types/eviction.hpp>
#include <troupe/messages/types/metrics/metric_of.hpp>

namespace troupe {

/// What a provider holds and did. A snapshot; the parts are not taken at one instant.
/// What a provider does not count stays 0.
struct provider_figures {
  std::uint64_t keys = 0;     ///< Entries, those not yet swept included.
  std::uint64_t expiring = 0; ///< Those of them with a deadline.
  /// The mean of the time these have left.
  std::chrono::milliseconds mean_ttl{0};
  std::uint64_t bytes = 0;       ///< Memory of tables and entries.
  std::uint64_t charged = 0;     ///< What counts against limits.
  std::uint64_t tag_names = 0;   ///< Names of tags that are remembered.
  std::uint64_t tag_bytes = 0;   ///< What these take; they are charged, too.
  std::uint64_t evictions = 0;   ///< Entries removed because of a limit.
  std::uint64_t expirations = 0; ///< Entries removed because of their deadline.
  std::uint64_t removals_dropped = 0; ///< Not reported to the listener.
  std::uint64_t retired = 0;     ///< Bytes that wait for readers to move on.
  std::uint64_t vacant = 0;      ///< Bytes held for entries of sizes to come.
  std::uint64_t relocations = 0; ///< Entries moved so that such could go back.
  std::uint64_t handled = 0;     ///< Mailbox tasks that ran.
  std::uint64_t mailbox_depth = 0; ///< Mailbox tasks that wait.
  std::uint64_t restarts = 0;      ///< Restarts of shards.
  std::uint64_t shards_failed = 0; ///< Crashed too often and stay down.
};

/// What these are as metrics, each with the label of its region.
inline constexpr std::array provider_metrics{
  metric_of<provider_figures>{
    {.name = "troupe_region_keys",
     .help = "Entries, those included that expired and were not swept yet.",
     .kind = metric_kind::gauge},
    metric_member<&provider_figures::keys>},
  metric_of<provider_figures>{{.name = "troupe_region_expiring_keys",
                               .help = "Entries with a deadline.",
                               .kind = metric_kind::gauge},
                              metric_member<&provider_figures::expiring>},
  metric_of<provider_figures>{
    {.name = "troupe_region_mean_ttl_seconds",
     .help = "The mean of the time that entries with a deadline have left.",
     .kind = metric_kind::gauge,
     .unit = metric_unit::milliseconds},
    metric_member<&provider_figures::mean_ttl>},
  metric_of<provider_figures>{{.name = "troupe_region_memory_bytes",
                               .help = "Memory of tables and entries.",
                               .kind = metric_kind::gauge,
                               .unit = metric_unit::bytes,
                               .info = {"memory", "used_memory"}},
                              metric_member<&provider_figures::bytes>},
  metric_of<provider_figures>{{.name = "troupe_region_charged_bytes",
                               .help = "Memory that counts against limits.",
                               .kind = metric_kind::gauge,
                               .unit = metric_unit::bytes,
                               .info = {"memory", "limited_memory"}},
                              metric_member<&provider_figures::charged>},
  metric_of<provider_figures>{{.name = "troupe_region_tag_names",
                               .help = "Names of tags that are remembered.",
                               .kind = metric_kind::gauge},
                              metric_member<&provider_figures::tag_names>},
  metric_of<provider_figures>{{.name = "troupe_region_tag_bytes",
                               .help = "Memory of the names of tags.",
                               .kind = metric_kind::gauge,
                               .unit = metric_unit::bytes},
                              metric_member<&provider_figures::tag_bytes>},
  metric_of<provider_figures>{
    {.name = "troupe_region_evictions_total",
     .help = "Entries that were removed because of a limit.",
     .info = {"stats", "evicted_keys"}},
    metric_member<&provider_figures::evictions>},
  metric_of<provider_figures>{
    {.name = "troupe_region_expirations_total",
     .help = "Entries that were removed because of their deadline.",
     .info = {"stats", "expired_keys"}},
    metric_member<&provider_figures::expirations>},
  metric_of<provider_figures>{
    {
      .name = "troupe_region_dropped_removals_total",
      .help = "Removals that were not reported to the listener.",
    },
    metric_member<&provider_figures::removals_dropped>},
  metric_of<provider_figures>{
    {.name = "troupe_region_retired_bytes",
     .help = "Memory that waits for readers to move on.",
     .kind = metric_kind::gauge,
     .unit = metric_unit::bytes,
     .info = {"memory", "retired_memory"}},
    metric_member<&provider_figures::retired>},
  metric_of<provider_figures>{
    {.name = "troupe_region_vacant_bytes",
     .help = "Memory that is held for entries of sizes to come.",
     .kind = metric_kind::gauge,
     .unit = metric_unit::bytes,
     .info = {"memory", "vacant_memory"}},
    metric_member<&provider_figures::vacant>},
  metric_of<provider_figures>{
    {.name = "troupe_region_relocations_total",
     .help = "Entries that were moved so that vacant memory could be given "
             "back.",
     .info = {"stats", "active_defrag_hits"}},
    metric_member<&provider_figures::relocations>},
  metric_of<provider_figures>{{.name = "troupe_region_handled_total",
                               .help = "Tasks of mailboxes that ran.",
                               .info = {"stats", "mailbox_handled", true}},
                              metric_member<&provider_figures::handled>},
  metric_of<provider_figures>{{.name = "troupe_region_mailbox_depth",
                               .help = "Tasks of mailboxes that wait.",
                               .kind = metric_kind::gauge,
                               .info = {"stats", "mailbox_depth"}},
                              metric_member<&provider_figures::mailbox_depth>},
  metric_of<provider_figures>{{.name = "troupe_region_shard_restarts_total",
                               .help = "Restarts of shards.",
                               .info = {"stats", "shard_restarts", true}},
                              metric_member<&provider_figures::restarts>},
  metric_of<provider_figures>{
    {.name = "troupe_region_failed_shards",
     .help = "Shards that crashed too often and stay down.",
     .kind = metric_kind::gauge,
     .info = {"stats", "shards_failed"}},
    metric_member<&provider_figures::shards_failed>},
};

/// The same of a region.
struct region_stats : provider_figures {
  std::uint64_t undecodable = 0; ///< Reads that met bytes that are no value.
};

/// A namespace of a region: its limits, and what it holds and did. As above.
struct namespace_stats {
  std::string prefix;
  std::size_t max_bytes = 0;   ///< 0: none.
  std::size_t max_entries = 0; ///< 0: none.
  eviction_policy eviction = eviction_policy::s3_fifo;
  bool own_eviction = false; ///< It does not follow the region's.
  std::size_t shards = 0;
  std::uint64_t keys = 0;
  std::uint64_t charged = 0;
  std::uint64_t evictions = 0;
  std::uint64_t expirations = 0;
};

/// How much jitter entries were really given, in sixteenths of their region's (or
/// their own) jitter: slot 0 counts those that live for nearly all of their TTL,
/// the last one those that got nearly the whole of the jitter.
using jitter_counts = std::array<std::uint64_t, 16>;

} // namespace troupe
