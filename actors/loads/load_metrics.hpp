#pragma once

#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe {

class load_coordinator;

/// Registers the counts of a coordinator, its loads in flight, its threads and its
/// queue. The coordinator must outlive the result. Errors: the errors of
/// `metric_registry::add`; nothing is registered then.
expected<std::vector<metric_registration>>
register_metrics(metric_registry& in, load_coordinator& x);

} // namespace troupe
