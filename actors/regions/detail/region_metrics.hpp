#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/metrics/registry.hpp>

namespace troupe {

class region;

/// Returns the regions that are open now.
using region_lister
  = std::function<std::vector<std::shared_ptr<const region>>()>;

/// Registers the figures of each region that `list` returns (`region_stats`), with the
/// region's name as the label "region". `list` must be callable while the registration
/// lives, and obeys the rules of `metric_registry::reader`. Errors: the errors of
/// `metric_registry::add`; nothing is registered then.
expected<metric_registration> register_region_metrics(metric_registry& in,
                                                      region_lister list);

} // namespace troupe
