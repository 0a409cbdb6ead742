#pragma once

#include <cstddef>
#include <string>

#include <troupe/messages/requests/metrics.hpp>

#include "apps/console/text/json.hpp"

namespace troupe::console {

/// A table with a row for each series. See `table::render` for the width.
[[nodiscard]] std::string text_of(const metric_list& x, std::size_t width);

/// {"metrics": [...], "total": N}, with an object for each series.
[[nodiscard]] json_object json_of(const metric_list& x);

} // namespace troupe::console
