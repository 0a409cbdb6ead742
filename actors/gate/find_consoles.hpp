#pragma once

#include <string>
#include <vector>

namespace troupe {

/// Returns the Unix sockets in this user's run-time folders on which a runtime listens,
/// in the order of their names. It connects to each once. It searches both folders,
/// except one that another user owns or that others may enter.
[[nodiscard]] std::vector<std::string> find_consoles();

} // namespace troupe
