#pragma once

namespace troupe::detail {

/// Names of actors that no region may have.
inline constexpr const char* supervisor_name = "supervisor";
inline constexpr const char* coordinator_name = "load-coordinator";

} // namespace troupe::detail
