#pragma once

#include <string>
#include <vector>

namespace troupe {

/// The Unix sockets in the run-time folders of this user behind which a runtime
/// lives, in the order of their names. It connects to each once.
/// Both folders count; one that another user owns, or that others may enter, does not.
[[nodiscard]] std::vector<std::string> find_consoles();

} // namespace troupe
