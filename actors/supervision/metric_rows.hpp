#pragma once

#include <troupe/messages/requests/metrics.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe {

/// The present values of the metrics that `what` asks for, in base units (bytes,
/// seconds). Thread-safe. Linear in the number of metrics. Throws std::bad_alloc.
[[nodiscard]] metric_list rows_of(const metric_registry& from,
                                  const list_metrics_request& what);

} // namespace troupe
