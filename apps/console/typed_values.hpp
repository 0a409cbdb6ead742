#pragma once

// Checks whether a typed value has the type of a region's values.

#include <string>
#include <string_view>

#include <troupe/messages/requests/regions.hpp>

namespace troupe::console {

/// Whether the typed text is a value of the region's type.
[[nodiscard]] bool takes_text(const region_info& region,
                              std::string_view value);

/// The error text for a value that `takes_text` refuses.
[[nodiscard]] std::string type_problem(const region_info& region);

} // namespace troupe::console
