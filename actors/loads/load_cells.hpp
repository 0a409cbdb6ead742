#pragma once

#include <troupe/messages/types/metrics/cells.hpp>

namespace troupe {

/// The counts of a load coordinator. Any thread counts.
struct load_cells : metric_cells {
  counter failed{
    *this,
    {.name = "troupe_failed_loads_total",
     .help = "Loads that ended with an error, including cancelled loads."}};
  histogram duration{
    *this,
    {.name = "troupe_load_duration_seconds",
     .help = "How long loads took, from the first caller to the answer.",
     .unit = metric_unit::nanosecond}};
};

} // namespace troupe
