#pragma once

#include <string_view>

#include <troupe/messages/types/error.hpp>
#include <troupe/messages/types/options.hpp>

namespace troupe::detail {

/// A region's name is acceptable: `invalid_argument`.
[[nodiscard]] expected<void> check_region_name(std::string_view name);

/// Takes over what `wanted` leaves to the region, which has chosen: zero shards
/// fit whatever it chose.
void adopt_choices(region_options& wanted,
                   const region_options& present) noexcept;

/// The name of the first field in which two options differ, or nullptr.
[[nodiscard]] const char* difference(const region_options& x,
                                     const region_options& y) noexcept;

} // namespace troupe::detail
