#pragma once

#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe {

class load_coordinator;

/// Shows what the coordinator counts, its loads in flight and its threads. It must
/// outlive the result. Errors: those of `metric_registry::add`.
expected<std::vector<metric_registration>>
register_metrics(metric_registry& in, load_coordinator& x);

} // namespace troupe
