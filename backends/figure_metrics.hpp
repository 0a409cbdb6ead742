#pragma once

#include <array>

#include <troupe/backends/figures.hpp>
#include <troupe/messages/types/metrics/metric_of.hpp>

namespace troupe {

/// The figures of a provider as metrics. A region registers them with its name as
/// label. To add a figure, add a member to `provider_figures` and a row here.
inline constexpr std::array provider_metrics{
  metric_of<provider_figures>{
    {.name = "troupe_region_keys",
     .help = "Entries, including expired entries that were not swept yet.",
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
     .unit = metric_unit::millisecond},
    metric_member<&provider_figures::mean_ttl>},
  metric_of<provider_figures>{{.name = "troupe_region_memory_bytes",
                               .help = "Memory of tables and entries.",
                               .kind = metric_kind::gauge,
                               .unit = metric_unit::byte,
                               .info = {"memory", "used_memory"}},
                              metric_member<&provider_figures::bytes>},
  metric_of<provider_figures>{{.name = "troupe_region_charged_bytes",
                               .help = "Memory that counts against limits.",
                               .kind = metric_kind::gauge,
                               .unit = metric_unit::byte,
                               .info = {"memory", "limited_memory"}},
                              metric_member<&provider_figures::charged>},
  metric_of<provider_figures>{{.name = "troupe_region_tag_names",
                               .help = "Names of tags that are remembered.",
                               .kind = metric_kind::gauge},
                              metric_member<&provider_figures::tag_names>},
  metric_of<provider_figures>{{.name = "troupe_region_tag_bytes",
                               .help = "Memory of the names of tags.",
                               .kind = metric_kind::gauge,
                               .unit = metric_unit::byte},
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
     .unit = metric_unit::byte,
     .info = {"memory", "retired_memory"}},
    metric_member<&provider_figures::retired>},
  metric_of<provider_figures>{
    {.name = "troupe_region_vacant_bytes",
     .help = "Memory that is held for entries of sizes to come.",
     .kind = metric_kind::gauge,
     .unit = metric_unit::byte,
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

} // namespace troupe
