#pragma once

#include <cstddef>
#include <string>

#include <troupe/messages/requests/metrics.hpp>

#include "apps/console/text/json.hpp"

namespace troupe::console {

/// A table, one series a row. See `table::render` for the width.
[[nodiscard]] std::string text_of(const metric_list& x, std::size_t width);

[[nodiscard]] json_object json_of(const metric_list& x);

} // namespace troupe::console
