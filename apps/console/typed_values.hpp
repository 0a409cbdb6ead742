#pragma once

// Values as a person types them, which have to be of the type that a region holds.

#include <string>
#include <string_view>

#include <troupe/messages/requests/regions.hpp>

namespace troupe::console {

/// Whether a value as it was typed is one of this region.
[[nodiscard]] bool takes_text(const region_info& region,
                              std::string_view value);

/// Why a value that `takes_text` refuses is not one.
[[nodiscard]] std::string type_problem(const region_info& region);

} // namespace troupe::console
