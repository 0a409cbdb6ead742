#pragma once

#include <caf/fwd.hpp>

namespace troupe::detail {

/// Lets the system of a configuration talk to other processes. It starts threads of
/// its own then.
void load_middleman(caf::actor_system_config& cfg);

} // namespace troupe::detail
