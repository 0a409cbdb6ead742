#pragma once

#include <caf/fwd.hpp>

namespace troupe::detail {

/// Lets the system of a configuration communicate with other processes. It then starts
/// its own threads.
void load_middleman(caf::actor_system_config& cfg);

} // namespace troupe::detail
