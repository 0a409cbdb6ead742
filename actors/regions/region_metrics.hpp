#pragma once

#include <memory>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe {

class region;

/// Registers the figures of a region (`region_stats`), with its name as the label
/// "region". The result keeps the region alive. Errors: the errors of
/// `metric_registry::add`; nothing is registered then.
expected<metric_registration> register_metrics(metric_registry& in,
                                               std::shared_ptr<const region> x);

} // namespace troupe
