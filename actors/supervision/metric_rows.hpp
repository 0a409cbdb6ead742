#pragma once

#include <troupe/messages/requests/metrics.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe {

/// The present values of a registry, as a console shows them. Throws std::bad_alloc.
[[nodiscard]] metric_list rows_of(const metric_registry& from,
                                  const list_metrics_request& what);

} // namespace troupe
