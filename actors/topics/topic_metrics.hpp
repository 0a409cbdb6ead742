#pragma once

#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe {

class topic_directory;

/// Registers a gauge of the number of topics of each kind. The directory must outlive
/// the result. Errors: the errors of `metric_registry::add`; nothing is registered
/// then.
expected<std::vector<metric_registration>>
register_metrics(metric_registry& in, const topic_directory& topics);

} // namespace troupe
