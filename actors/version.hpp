#pragma once

#include <string_view>

namespace troupe {

/// The version of Troupe, as in the project's CMakeLists.txt.
inline constexpr std::string_view version = "0.1.0";

} // namespace troupe
