#pragma once

#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe {

class topic_directory;

/// Shows how many topics there are, by kind. The directory must outlive the result.
/// Errors: those of `metric_registry::add`.
expected<std::vector<metric_registration>>
register_metrics(metric_registry& in, const topic_directory& topics);

} // namespace troupe
