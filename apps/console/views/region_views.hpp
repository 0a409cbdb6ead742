#pragma once

// Shows regions and the explanations of their keys: as text for users, and as JSON.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <troupe/messages/requests/explain.hpp>
#include <troupe/messages/requests/loads.hpp>
#include <troupe/messages/requests/metrics.hpp>
#include <troupe/messages/requests/regions.hpp>

#include "apps/console/text/json.hpp"

namespace troupe::console {

/// What `regions` shows.
struct region_overview {
  std::vector<region_info> regions;
  load_list loads;     ///< In flight.
  metric_list lookups; ///< The server's keyspace hits and misses; may be empty.
};

/// A row for each region, and the hit ratio of the server, which counts lookups for all
/// its databases together. See `table::render` for the width.
[[nodiscard]] std::string text_of(const region_overview& x, std::size_t width);

[[nodiscard]] json_object json_of(const region_overview& x);

/// A sentence a line.
[[nodiscard]] std::string text_of(const explained_key& x);

[[nodiscard]] json_object json_of(const explained_key& x);

} // namespace troupe::console
