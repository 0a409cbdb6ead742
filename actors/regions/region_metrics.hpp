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

/// Shows what each region holds and did (`region_stats`), with its name as the label
/// "region". `list` must be callable for as long as the registration lives, and obeys the
/// rules of `metric_registry::reader`. Errors: those of `metric_registry::add`.
expected<metric_registration> register_region_metrics(metric_registry& in,
                                                      region_lister list);

} // namespace troupe
