#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <troupe/messages/types/metrics/metric_of.hpp>

namespace troupe::server {

/// What a desk has and counts.
struct lease_figures {
  std::size_t held = 0;    ///< Leases of clients now.
  std::size_t waiting = 0; ///< Clients that wait now.
  std::uint64_t granted = 0;
  std::uint64_t stored = 0;  ///< Calls of SETL that stored their value,
  std::uint64_t refused = 0; ///< and those that did not.
};

/// The same as metrics. To add a figure, add a member and a row here.
inline constexpr std::array lease_metrics{
  metric_of<lease_figures>{{.name = "troupe_server_leases",
                            .help = "Missing keys that a client loads.",
                            .kind = metric_kind::gauge,
                            .info = {"clients", "leases"}},
                           metric_member<&lease_figures::held>},
  metric_of<lease_figures>{
    {.name = "troupe_server_lease_waiters",
     .help = "Clients that wait for a key that another client loads.",
     .kind = metric_kind::gauge,
     .info = {"clients", "lease_waiters"}},
    metric_member<&lease_figures::waiting>},
  metric_of<lease_figures>{
    {.name = "troupe_server_leases_granted_total",
     .help = "Leases that clients got, inherited ones included.",
     .info = {"stats", "leases_granted"}},
    metric_member<&lease_figures::granted>},
  metric_of<lease_figures>{{.name = "troupe_server_lease_stores_total",
                            .help = "Values that were stored with a lease.",
                            .info = {"stats", "lease_stores"}},
                           metric_member<&lease_figures::stored>},
  metric_of<lease_figures>{
    {.name = "troupe_server_lease_refusals_total",
     .help = "Values that were refused because their lease was void.",
     .info = {"stats", "lease_refusals"}},
    metric_member<&lease_figures::refused>},
};

} // namespace troupe::server
