#pragma once

#include <caf/fwd.hpp>

namespace troupe {

/// Adds Troupe's messages, actor handles and errors to a configuration. `config` does
/// it by itself; a program with its own configuration class calls this before it makes
/// the system. Calling it twice has no effect.
void add_message_types(caf::actor_system_config& cfg);

} // namespace troupe
