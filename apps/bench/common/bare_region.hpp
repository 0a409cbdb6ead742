#pragma once

#include <memory>

#include <troupe/actors/regions/region_declared.hpp>

namespace troupe::bench {

/// A region without the runtime around it: what is measured is the region, and
/// nothing happens behind its back but that memory is made ready. Good for reads
/// and blocking writes. One at a time.
[[nodiscard]] std::shared_ptr<region>
open_bare_region(const region_options& options);

} // namespace troupe::bench
