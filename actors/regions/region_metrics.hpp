#pragma once

#include <memory>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe {

class region;

/// Shows what a region holds and did (`region_stats`), with its name as the label
/// "region". The result keeps the region alive. Errors: those of `metric_registry::add`.
expected<metric_registration> register_metrics(metric_registry& in,
                                               std::shared_ptr<const region> x);

} // namespace troupe
