#pragma once

#include <functional>
#include <string_view>

namespace troupe {

/// Takes what happened to actors, as a line of printable ASCII without its end. Is
/// called from any thread; must not throw, wait, or call the runtime.
using report_function = std::function<void(std::string_view line)>;

} // namespace troupe
