#pragma once

#include <memory>

#include <troupe/actors/region.hpp>

namespace troupe::bench {

/// A region without the runtime around it: what is measured is the region, and
/// nothing happens behind its back. Good for reads and blocking writes; for
/// more, it needs an executor.
[[nodiscard]] std::shared_ptr<region>
open_bare_region(const region_options& options,
                 std::shared_ptr<lane_executor> executor = nullptr);

} // namespace troupe::bench
