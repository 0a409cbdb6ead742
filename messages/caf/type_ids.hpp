#pragma once

#include <caf/fwd.hpp>

namespace troupe {

/// Tells a system about our messages, actor handles and errors. `config` does
/// it by itself; a program with a configuration class of its own calls this
/// before it makes the system. Calling it twice does no harm.
void add_message_types(caf::actor_system_config& cfg);

} // namespace troupe
