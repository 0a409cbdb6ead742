#pragma once

#include <functional>
#include <string_view>

namespace troupe {

/// Receives events of actors, each as a line of printable ASCII without a line end.
/// Called from any thread; must not throw, wait, or call the runtime.
using report_function = std::function<void(std::string_view line)>;

} // namespace troupe
